// Keeps the tags and logs of a manual span within limits. Texts are cut and marked, and omitted entries are counted.
import { boundedJson } from '../redaction/bounded-json.js';
import type { SdkAttributes } from '../spans/span.js';

const maxKeyLength = 1024;
const maxValueLength = 25_000;
/** Limit for all texts of one span. A longer span could not be sent. */
const maxTotalLength = 65_536;
/** Two fewer than the members of an object that are sent: one for the text of an error, one for the number of omitted tags. */
const maxTags = 198;
const maxLogFields = 1000;
/** The estimated size of a value that is not a text, or of a log entry. */
const estimatedValueBytes = 50;
const omitted = '…';

/**
 * Returns the text of any value and never throws. Lists are written by `boundedJson`, because their own text is as long as all that
 * they contain. A value whose text cannot be read gets a placeholder.
 */
export function textOf(value: unknown): string {
  try {
    if (typeof value === 'bigint' || ArrayBuffer.isView(value)) return boundedJson(value, maxKeyLength).slice(1, -1);
    return Array.isArray(value) ? boundedJson(value, maxKeyLength) : String(value);
  } catch {
    return '[cannot be read]';
  }
}

/** Returns the text of an operation name, cut to the limit. */
export function operationName(name: unknown): string {
  const text = typeof name === 'string' ? name : textOf(name);
  return text.length > maxKeyLength ? cutText(text, maxKeyLength) : text;
}

/** Adds a tag, or replaces the tag of that name. */
export function keepTag(sdk: SdkAttributes, key: string, value: unknown): void {
  const name = key.length > maxKeyLength ? cutText(key, maxKeyLength) : key;
  const { tags } = sdk;
  if (name in tags) {
    const before = tags[name];
    sdk.estimatedBytes -= name.length + (typeof before === 'string' ? before.length : estimatedValueBytes);
  } else if (sdk.tagCount >= maxTags) {
    sdk.cutTags++;
    return;
  } else {
    sdk.tagCount++;
  }
  tags[name] = limitedValue(sdk, name, value);
}

/** Adds the fields `keys` of a log to the entry of its time. */
export function keepLog(
  sdk: SdkAttributes,
  time: number,
  keyValues: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): void {
  sdk.logs ??= Object.create(null) as Record<string, Record<string, unknown>>;
  const { logs } = sdk;
  if (logs[time] === undefined) {
    if (sdk.logCount >= maxLogFields) {
      sdk.cutLogs += keys.length;
      return;
    }
    logs[time] = Object.create(null) as Record<string, unknown>;
    sdk.logCount++;
    sdk.estimatedBytes += estimatedValueBytes;
  }
  const entry = logs[time];
  for (const key of keys) {
    if (sdk.logCount >= maxLogFields) sdk.cutLogs++;
    else if (key.length > maxKeyLength) entry[cutText(key, maxKeyLength)] = limitedField(sdk, key, keyValues);
    else entry[key] = limitedField(sdk, key, keyValues);
    sdk.logCount++;
  }
}

/** Records how many tags and log fields were omitted. Called once, when the span ends. */
export function markOmitted(sdk: SdkAttributes): void {
  if (sdk.cutTags > 0) sdk.tags[omitted] = `${sdk.cutTags} more`;
  if (sdk.cutLogs === 0) return;
  // Inside the last entry, because the names of entries are times.
  const last = Object.values(sdk.logs ?? {}).at(-1);
  if (last !== undefined) last[omitted] = `${sdk.cutLogs} more`;
}

/** Copies the text, because a slice would keep all of the original in memory. */
function cutText(text: string, length: number): string {
  return `${Buffer.from(text.slice(0, length)).toString()}${omitted}`;
}

function limitedField(sdk: SdkAttributes, key: string, keyValues: Readonly<Record<string, unknown>>): unknown {
  try {
    return limitedValue(sdk, key, keyValues[key]);
  } catch {
    return '[cannot be read]';
  }
}

/** Returns the value that the span keeps, and adds its size to the estimate. */
function limitedValue(sdk: SdkAttributes, key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'string': {
      const room = Math.max(0, Math.min(maxValueLength, maxTotalLength - sdk.estimatedBytes));
      const text = value.length > room ? cutText(value, room) : value;
      sdk.estimatedBytes += key.length + text.length;
      return text;
    }
    case 'function':
      sdk.estimatedBytes += key.length + estimatedValueBytes;
      return '[function]'; // the function itself would keep its closure in memory
    case 'object':
      if (value !== null) sdk.holdsObjects = true;
      break;
  }
  sdk.estimatedBytes += key.length + estimatedValueBytes;
  return value;
}
