// The OpenTracing face of a span: of those made by hand, and of automatic ones when the application asks for them.
import { Span, SpanContext, type Tracer } from 'opentracing';
import type { W3cContext } from '../propagation/w3c.js';
import { boundedJson } from '../redaction/bounded-json.js';
import { errorStack, errorText } from '../spans/error-text.js';
import type { Recorder } from '../spans/recorder.js';
import type { SdkAttributes, SpanRecord } from '../spans/span.js';
import { adoptProtocol, kindOf } from './registered-spans.js';

/** Keys of an object of the application's; none when it is a proxy that throws. */
function ownKeys(tags: object): string[] {
  try {
    return Object.keys(tags);
  } catch {
    return [];
  }
}

/** By the value of `span.kind`: the kind of the agent's protocol, and that of OTLP. */
const kinds: ReadonlyMap<unknown, readonly [1 | 2, 2 | 3 | 4 | 5]> = new Map([
  ['server', [1, 2]],
  ['consumer', [1, 5]],
  ['entry', [1, 2]],
  ['client', [2, 3]],
  ['producer', [2, 4]],
  ['exit', [2, 3]],
  ['soap', [2, 3]],
]);
const maxKeyLength = 1024;
const maxTagLength = 25_000;
/** Of the texts of one span; more could not be sent. */
const maxTotalLength = 65_536;
/** Two less than what is sent of an object's members: there is an error's text, and how many are missing. */
const maxTags = 198;
const maxLogFields = 1000;
const cut = '…';
const maxBaggageMembers = 64;
const maxBaggageLength = 8192;
/** That of the last day that a Date can have. */
const latestMs = 8.64e15;

/**
 * What an application names a thing. Lists have our own text: theirs is as long as all that is in them, and the time it takes has
 * no bound. Objects whose text cannot be read have one of ours, too. Never throws.
 */
export function textOf(value: unknown): string {
  try {
    if (typeof value === 'bigint' || ArrayBuffer.isView(value)) return boundedJson(value, maxKeyLength).slice(1, -1);
    return Array.isArray(value) ? boundedJson(value, maxKeyLength) : String(value);
  } catch {
    return '[cannot be read]';
  }
}

/** Whether a value is a time in milliseconds since the epoch. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= latestMs;
}

/** The part of a span that crosses process boundaries. */
export class InstanaSpanContext extends SpanContext {
  /** 16 hexadecimal digits; empty when the caller told only that it wants no spans. */
  readonly traceId: string;
  readonly spanId: string;
  readonly suppressed: boolean;
  readonly baggage: Readonly<Record<string, string>> | null;
  /** Not injected; for calls that are made below. */
  readonly w3c: W3cContext | null;

  constructor(
    traceId: string,
    spanId: string,
    suppressed: boolean,
    baggage: Readonly<Record<string, string>> | null,
    w3c: W3cContext | null = null,
  ) {
    super();
    this.traceId = traceId;
    this.spanId = spanId;
    this.suppressed = suppressed;
    this.baggage = baggage;
    this.w3c = w3c;
  }

  override toTraceId(): string {
    return this.traceId;
  }

  override toSpanId(): string {
    return this.spanId;
  }
}

/** What a span needs of the sensor that it belongs to. */
export interface SpanDependencies {
  readonly recorder: Recorder;
  readonly wallClock: () => number;
  readonly settings: () => { readonly stackTrace: string };
  readonly warnOnce: (cause: string, message: string) => void;
  readonly debugOnce: (cause: string, message: string) => void;
}

/** A span as OpenTracing knows it. None of its methods throws; after its end it changes no more. */
export class InstanaSpan extends Span {
  readonly #tracer: Tracer;
  readonly #dependencies: SpanDependencies;
  readonly record: SpanRecord;

  constructor(tracer: Tracer, record: SpanRecord, dependencies: SpanDependencies) {
    super();
    this.#tracer = tracer;
    this.record = record;
    this.#dependencies = dependencies;
  }

  /** OpenTracing's own makes an object of key and value first, which a key without a text makes throw. */
  override setTag(key: string, value: unknown): this {
    if (!this.record.isFinished) this.#tagQuietly(key, value);
    return this;
  }

  protected override _context(): SpanContext {
    const { traceId, spanId, suppressed, baggage, w3c } = this.record;
    return new InstanaSpanContext(traceId, spanId, suppressed, baggage, w3c);
  }

  protected override _tracer(): Tracer {
    return this.#tracer;
  }

  protected override _setOperationName(name: string): void {
    if (this.record.isFinished || this.record.name !== 'sdk') return;
    const { record } = this;
    const sdk = record.sdkAttributes();
    sdk.name = nameText(name);
    record.kind = kindOf(sdk.name) ?? record.kind;
  }

  /** Bounded, since all of it goes along with every call that is made below. */
  protected override _setBaggageItem(key: string, value: string): void {
    const { record } = this;
    if (record.isFinished) return;
    const name = textOf(key);
    const text = textOf(value);
    const { [name]: _replaced, ...others } = record.baggage ?? {};
    let length = name.length + text.length;
    for (const other of Object.keys(others)) length += other.length + (others[other]?.length ?? 0);
    if (length > maxBaggageLength || Object.keys(others).length >= maxBaggageMembers) {
      const message = `an item of baggage was left out: at most ${maxBaggageMembers}, of ${maxBaggageLength} characters, are kept`;
      this.#dependencies.warnOnce('baggage', message);
      return;
    }
    record.baggage = { ...others, [name]: text };
  }

  protected override _getBaggageItem(key: string): string | undefined {
    const { baggage } = this.record;
    const name = textOf(key);
    return baggage !== null && Object.hasOwn(baggage, name) ? baggage[name] : undefined;
  }

  protected override _addTags(tags: Record<string, unknown>): void {
    if (this.record.isFinished || typeof tags !== 'object' || tags === null) return;
    for (const key of ownKeys(tags)) {
      try {
        this.#tagQuietly(key, tags[key]);
      } catch {
        // A getter of the application threw: the other tags are kept.
      }
    }
  }

  protected override _log(keyValues: Record<string, unknown>, timestamp?: number): void {
    const { record } = this;
    if (record.isFinished || typeof keyValues !== 'object' || keyValues === null) return;
    const time = isTime(timestamp) ? Math.floor(timestamp) : this.#dependencies.wallClock();
    const keys = ownKeys(keyValues);
    keepLog(record.sdkAttributes(), time, keyValues, keys);
    if (keys.includes('event') && read(keyValues, 'event') === 'error') this.#fail(keyValues);
  }

  protected override _finish(finishTime?: number): void {
    const { record } = this;
    if (record.isFinished) {
      const { traceId, spanId } = record;
      const message = `finish() of a span that has ended already is ignored: trace ${traceId}, span ${spanId}`;
      this.#dependencies.debugOnce(`finished ${spanId}`, message);
      return;
    }
    const { sdk, name } = record;
    if (name !== 'sdk') return; // an automatic span ends by itself
    if (sdk !== null) complete(record, sdk);
    if (isTime(finishTime)) {
      this.#dependencies.recorder.finishAt(record, record.startTick + (finishTime - record.startMs));
    } else {
      this.#dependencies.recorder.finish(record);
    }
  }

  #tagQuietly(key: unknown, value: unknown): void {
    try {
      this.#tag(typeof key === 'string' ? key : textOf(key), value);
    } catch {
      // A value that has no text, for a tag that needs one: there is nothing to keep.
    }
  }

  #tag(key: string, value: unknown): void {
    const { record } = this;
    switch (key) {
      case 'error':
        this.#setError(value);
        return;
      case 'sampling.priority':
        if (isPriority(value) && Number(value) <= 0) record.suppressed = true;
        return;
      case 'span.kind':
        if (record.name === 'sdk' && this.#setKind(value)) return;
        break;
      case 'http.path_tpl':
        if (record.http === null) break;
        record.http.template = textOf(value);
        record.http.templateFrozen = true;
        return;
    }
    keepTag(record.sdkAttributes(), key, value);
  }

  /** A request that failed by its status stays failed. */
  #setError(value: unknown): void {
    const isError = Boolean(value) && value !== 'false';
    if (isError) this.record.errorCount = 1;
    else if (this.record.name === 'sdk') this.record.errorCount = 0;
  }

  /** False for a kind that is not known: then the tag is kept as a tag. */
  #setKind(kind: unknown): boolean {
    const known = kinds.get(kind);
    if (known === undefined) return false;
    [this.record.kind, this.record.otlpKind] = known;
    return true;
  }

  /** The text goes where the span's protocol has it; one that is there already stays. */
  #fail(log: Readonly<Record<string, unknown>>): void {
    const { record } = this;
    record.errorCount = 1;
    const error = read(log, 'error.object') ?? loggedMessage(log);
    if (error !== undefined) {
      const text = errorText(error);
      if (record.http !== null) record.http.error ??= text;
      else record.sdkAttributes().tags['message'] ??= text;
    }
    if (this.#dependencies.settings().stackTrace === 'none') return;
    const stack = errorStack(error) ?? read(log, 'stack');
    if (typeof stack === 'string') record.stack = { stack };
  }
}

/** The text of an operation name, cut where it has to be. */
export function nameText(name: unknown): string {
  const text = typeof name === 'string' ? name : textOf(name);
  return text.length > maxKeyLength ? cutText(text, maxKeyLength) : text;
}

function isPriority(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && value.trim() !== '');
}

function read(object: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}

/** `kind: message` as it is logged where there is no error object. */
function loggedMessage(log: Readonly<Record<string, unknown>>): string | undefined {
  const kind = read(log, 'error.kind');
  const message = read(log, 'message');
  const parts = [kind, message].filter((part) => part !== undefined && part !== null && part !== '');
  return parts.length === 0 ? undefined : parts.map(textOf).join(': ');
}

/** A slice alone would hold the whole text. */
function cutText(text: string, length: number): string {
  return `${Buffer.from(text.slice(0, length)).toString()}${cut}`;
}

function keepTag(sdk: SdkAttributes, key: string, value: unknown): void {
  const name = key.length > maxKeyLength ? cutText(key, maxKeyLength) : key;
  const { tags } = sdk;
  if (name in tags) {
    const before = tags[name];
    sdk.estimatedBytes -= name.length + (typeof before === 'string' ? before.length : 50);
  } else if (sdk.tagCount >= maxTags) {
    sdk.cutTags++;
    return;
  } else {
    sdk.tagCount++;
  }
  tags[name] = kept(sdk, name, value);
}

function keepLog(sdk: SdkAttributes, time: number, keyValues: Readonly<Record<string, unknown>>, keys: string[]): void {
  sdk.logs ??= Object.create(null) as Record<string, Record<string, unknown>>;
  const { logs } = sdk;
  if (logs[time] === undefined) {
    if (sdk.logCount >= maxLogFields) {
      sdk.cutLogs += keys.length;
      return;
    }
    logs[time] = Object.create(null) as Record<string, unknown>;
    sdk.logCount++;
    sdk.estimatedBytes += 50;
  }
  const entry = logs[time];
  for (const key of keys) {
    if (sdk.logCount >= maxLogFields) sdk.cutLogs++;
    else if (key.length > maxKeyLength) entry[cutText(key, maxKeyLength)] = keptField(sdk, key, keyValues);
    else entry[key] = keptField(sdk, key, keyValues);
    sdk.logCount++;
  }
}

function keptField(sdk: SdkAttributes, key: string, keyValues: Readonly<Record<string, unknown>>): unknown {
  try {
    return kept(sdk, key, keyValues[key]);
  } catch {
    return '[cannot be read]';
  }
}

/** A value of a tag or log as the span keeps it, with what it weighs added up. */
function kept(sdk: SdkAttributes, key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'string': {
      const room = Math.max(0, Math.min(maxTagLength, maxTotalLength - sdk.estimatedBytes));
      const text = value.length > room ? cutText(value, room) : value;
      sdk.estimatedBytes += key.length + text.length;
      return text;
    }
    case 'function':
      sdk.estimatedBytes += key.length + 50;
      return '[function]'; // rather than all that it closes over
    case 'object':
      if (value !== null) sdk.holdsObjects = true;
      break;
  }
  sdk.estimatedBytes += key.length + 50;
  return value;
}

/** What is known at the end only. */
function complete(record: SpanRecord, sdk: SdkAttributes): void {
  try {
    if (sdk.cutTags > 0) sdk.tags[cut] = `${sdk.cutTags} more`;
    if (sdk.cutLogs > 0) markLastLog(sdk);
    adoptProtocol(record, sdk);
  } catch {
    // The span is sent as it is.
  }
}

/** In an entry, since all names beside it are times. */
function markLastLog({ logs, cutLogs }: SdkAttributes): void {
  const last = Object.values(logs ?? {}).at(-1);
  if (last !== undefined) last[cut] = `${cutLogs} more`;
}
