// Copies of the application's objects in tags and logs, for spans whose form is decided later.
import { boundedJson } from '../redaction/bounded-json.js';
import type { EncodeContext } from './instana-json.js';
import type { SdkAttributes } from './span.js';

const { parse } = JSON;

/**
 * Replaces tags and logs by bounded and redacted copies, because the application may change its objects while the span waits. Returns the
 * length of the copies as JSON.
 */
export function takeSnapshot(sdk: SdkAttributes, { tagRedactor, logRedactor }: EncodeContext): number {
  const tags = boundedJson(sdk.tags, undefined, tagRedactor);
  const logs = sdk.logs === null ? '' : boundedJson(sdk.logs, undefined, logRedactor);
  sdk.tags = parse(tags) as SdkAttributes['tags']; // an object was written
  if (logs !== '') sdk.logs = parse(logs) as SdkAttributes['logs']; // likewise
  sdk.holdsObjects = false;
  return tags.length + logs.length;
}
