// An OpenTracing span on a span record: a manual span, or an automatic one that the application asks for.
import { Span, type SpanContext, type Tracer } from 'opentracing';
import { tryMember } from '../core/try-get.js';
import { errorStack, errorText } from '../spans/error-text.js';
import type { Recorder } from '../spans/recorder.js';
import type { SdkAttributes, SpanRecord } from '../spans/span.js';
import { adoptProtocol, kindOf } from './registered-spans.js';
import { InstanaSpanContext, maxBaggageItems, maxBaggageLength, withBaggageItem } from './span-context.js';
import { keepLog, keepTag, markOmitted, operationName, textOf } from './tag-limits.js';

/** The kinds of the agent's protocol and of OTLP, by the value of `span.kind`. */
const kinds: ReadonlyMap<unknown, readonly [1 | 2, 2 | 3 | 4 | 5]> = new Map([
  ['server', [1, 2]],
  ['consumer', [1, 5]],
  ['entry', [1, 2]],
  ['client', [2, 3]],
  ['producer', [2, 4]],
  ['exit', [2, 3]],
  ['soap', [2, 3]],
]);
/** The latest time that a Date can have. */
const maxTimeMs = 8.64e15;

/** Whether a value is a time in milliseconds since the epoch. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= maxTimeMs;
}

/** The parts of the sensor that a span uses. */
export interface SpanDependencies {
  readonly recorder: Recorder;
  readonly wallClock: () => number;
  readonly settings: () => { readonly stackTrace: string };
  readonly warnOnce: (cause: string, message: string) => void;
  readonly debugOnce: (cause: string, message: string) => void;
}

/** An OpenTracing span. None of its methods throws. After its end it no longer changes. */
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

  /** The inherited method first makes an object of key and value, which throws for a key without a text. */
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
    sdk.name = operationName(name);
    record.kind = kindOf(sdk.name) ?? record.kind;
  }

  /** Limited, because all baggage is sent with every call in the span. */
  protected override _setBaggageItem(key: string, value: string): void {
    const { record } = this;
    if (record.isFinished) return;
    const baggage = withBaggageItem(record.baggage, textOf(key), textOf(value));
    if (baggage !== null) {
      record.baggage = baggage;
      return;
    }
    const message = `an item of baggage was left out: at most ${maxBaggageItems}, of ${maxBaggageLength} characters, are kept`;
    this.#dependencies.warnOnce('baggage', message);
  }

  protected override _getBaggageItem(key: string): string | undefined {
    const { baggage } = this.record;
    const name = textOf(key);
    return baggage !== null && Object.hasOwn(baggage, name) ? baggage[name] : undefined;
  }

  protected override _addTags(tags: Record<string, unknown>): void {
    if (this.record.isFinished || typeof tags !== 'object' || tags === null) return;
    for (const key of keysOf(tags)) {
      try {
        this.#tagQuietly(key, tags[key]);
      } catch {
        // A getter of the application threw. The other tags are kept.
      }
    }
  }

  protected override _log(keyValues: Record<string, unknown>, timestamp?: number): void {
    const { record } = this;
    if (record.isFinished || typeof keyValues !== 'object' || keyValues === null) return;
    const time = isTime(timestamp) ? Math.floor(timestamp) : this.#dependencies.wallClock();
    const keys = keysOf(keyValues);
    keepLog(record.sdkAttributes(), time, keyValues, keys);
    if (keys.includes('event') && tryMember(keyValues, 'event') === 'error') this.#fail(keyValues);
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
    if (sdk !== null) this.#complete(sdk);
    if (isTime(finishTime)) {
      this.#dependencies.recorder.finishAt(record, record.startTick + (finishTime - record.startMs));
    } else {
      this.#dependencies.recorder.finish(record);
    }
  }

  /** Adds what is known only at the end. */
  #complete(sdk: SdkAttributes): void {
    try {
      markOmitted(sdk);
      adoptProtocol(this.record, sdk);
    } catch {
      // The span is sent as it is.
    }
  }

  #tagQuietly(key: unknown, value: unknown): void {
    try {
      this.#tag(typeof key === 'string' ? key : textOf(key), value);
    } catch {
      // The tag needs a text, and the value has none.
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

  /** A request that failed because of its status stays failed. */
  #setError(value: unknown): void {
    const isError = Boolean(value) && value !== 'false';
    if (isError) this.record.errorCount = 1;
    else if (this.record.name === 'sdk') this.record.errorCount = 0;
  }

  /** False for an unknown kind, which is kept as a tag. */
  #setKind(kind: unknown): boolean {
    const known = kinds.get(kind);
    if (known === undefined) return false;
    [this.record.kind, this.record.otlpKind] = known;
    return true;
  }

  /** Marks the span as failed. An error text is stored where the protocol of the span has it; an earlier one stays. */
  #fail(log: Readonly<Record<string, unknown>>): void {
    const { record } = this;
    record.errorCount = 1;
    const error = tryMember(log, 'error.object') ?? loggedMessage(log);
    if (error !== undefined) {
      const text = errorText(error);
      if (record.http !== null) record.http.error ??= text;
      else record.sdkAttributes().tags['message'] ??= text;
    }
    if (this.#dependencies.settings().stackTrace === 'none') return;
    const stack = errorStack(error) ?? tryMember(log, 'stack');
    if (typeof stack === 'string') record.stack = { stack };
  }
}

function isPriority(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && value.trim() !== '');
}

/** `kind: message` of a log without an error object. */
function loggedMessage(log: Readonly<Record<string, unknown>>): string | undefined {
  const kind = tryMember(log, 'error.kind');
  const message = tryMember(log, 'message');
  const parts = [kind, message].filter((part) => part !== undefined && part !== null && part !== '');
  return parts.length === 0 ? undefined : parts.map(textOf).join(': ');
}

/** The keys of an object of the application; none if it is a proxy that throws. */
function keysOf(object: object): string[] {
  try {
    return Object.keys(object);
  } catch {
    return [];
  }
}
