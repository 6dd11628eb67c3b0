// The OpenTracing face of a span: of those made by hand, and of automatic ones when the application asks for them.
import { Span, SpanContext, type Tracer } from 'opentracing';
import type { W3cContext } from '../wire/w3c.js';
import { errorStack, errorText } from './error-text.js';
import type { Recorder } from './recorder.js';
import type { SdkFacts, SpanRecord } from './span.js';

/** Keys of an object of the application's; none when it is a proxy that throws. */
function ownKeys(tags: object): string[] {
  try {
    return Object.keys(tags);
  } catch {
    return [];
  }
}

const entryKinds = new Set(['server', 'consumer', 'entry']);
const exitKinds = new Set(['client', 'producer', 'exit']);
const longestTag = 25_000;

/** What an application names a thing; objects whose text cannot be read have one of ours. Never throws. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '[cannot be read]';
  }
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

  static of(record: SpanRecord): InstanaSpanContext {
    return new InstanaSpanContext(record.traceId, record.spanId, record.unsampled, record.baggage, record.w3c);
  }

  override toTraceId(): string {
    return this.traceId;
  }

  override toSpanId(): string {
    return this.spanId;
  }
}

/** A value of a tag or log as the span keeps it, with what it weighs added up. */
function kept(sdk: SdkFacts, key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) sdk.holdsObjects = true;
  if (typeof value !== 'string') {
    sdk.weight += key.length + 50;
    return value;
  }
  // A slice alone would hold the whole text.
  const text = value.length > longestTag ? `${Buffer.from(value.slice(0, longestTag)).toString()}…` : value;
  sdk.weight += key.length + text.length;
  return text;
}

/** A span as OpenTracing knows it. None of its methods throws; after its end it changes no more. */
export class InstanaSpan extends Span {
  readonly #tracer: Tracer;
  readonly #recorder: Recorder;
  readonly #wallClock: () => number;
  readonly record: SpanRecord;

  constructor(tracer: Tracer, record: SpanRecord, recorder: Recorder, wallClock: () => number) {
    super();
    this.#tracer = tracer;
    this.record = record;
    this.#recorder = recorder;
    this.#wallClock = wallClock;
  }

  protected override _context(): SpanContext {
    return InstanaSpanContext.of(this.record);
  }

  protected override _tracer(): Tracer {
    return this.#tracer;
  }

  protected override _setOperationName(name: string): void {
    if (this.record.isFinished || this.record.name !== 'sdk') return;
    this.record.sdkFacts().name = textOf(name);
  }

  protected override _setBaggageItem(key: string, value: string): void {
    if (this.record.isFinished) return;
    this.record.baggage = { ...this.record.baggage, [textOf(key)]: textOf(value) };
  }

  protected override _getBaggageItem(key: string): string | undefined {
    const { baggage } = this.record;
    return baggage !== null && Object.hasOwn(baggage, key) ? baggage[key] : undefined;
  }

  protected override _addTags(tags: Record<string, unknown>): void {
    const { record } = this;
    if (record.isFinished || typeof tags !== 'object' || tags === null) return;
    for (const key of ownKeys(tags)) {
      try {
        this.#tag(key, tags[key]);
      } catch {
        // A getter of the application threw, or a value has no text: the other tags are kept.
      }
    }
  }

  protected override _log(keyValues: Record<string, unknown>, timestamp?: number): void {
    const { record } = this;
    if (record.isFinished || typeof keyValues !== 'object' || keyValues === null) return;
    try {
      const sdk = record.sdkFacts();
      const time =
        typeof timestamp === 'number' && Number.isFinite(timestamp) ? Math.floor(timestamp) : this.#wallClock();
      sdk.logs ??= Object.create(null) as Record<string, Record<string, unknown>>;
      sdk.logs[time] ??= Object.create(null) as Record<string, unknown>;
      const entry = sdk.logs[time];
      for (const key of Object.keys(keyValues)) entry[key] = kept(sdk, key, keyValues[key]);
      sdk.weight += 50;
      if (keyValues['event'] === 'error') this.#fail(keyValues['error.object'] ?? keyValues['message']);
    } catch {
      // As above.
    }
  }

  protected override _finish(finishTime?: number): void {
    const { record } = this;
    if (record.name !== 'sdk' || record.isFinished) return;
    if (typeof finishTime === 'number' && Number.isFinite(finishTime)) {
      this.#recorder.finishAt(record, record.startTick + (finishTime - record.startMs));
    } else {
      this.#recorder.finish(record);
    }
  }

  #tag(key: string, value: unknown): void {
    const { record } = this;
    if (record.http !== null && key === 'http.path_tpl') {
      record.http.template = String(value);
      record.http.templateFrozen = true;
      return;
    }
    if (key === 'error' && record.name === 'sdk') {
      record.errorCount = value && value !== 'false' ? 1 : 0;
      return;
    }
    if (key === 'sampling.priority') {
      if (Number(value) <= 0) record.unsampled = true;
      return;
    }
    const sdk = record.sdkFacts();
    if (key === 'span.kind' && record.name === 'sdk' && this.#setKind(String(value))) return;
    sdk.tags[key] = kept(sdk, key, value);
  }

  /** False for a kind that is not known: then the tag is kept as a tag. */
  #setKind(kind: string): boolean {
    const { record } = this;
    if (entryKinds.has(kind)) record.kind = 1;
    else if (exitKinds.has(kind)) record.kind = 2;
    else return false;
    return true;
  }

  #fail(error: unknown): void {
    const { record } = this;
    record.errorCount = 1;
    if (error === undefined) return;
    record.sdkFacts().tags['message'] = errorText(error);
    const stack = errorStack(error);
    if (stack !== null) record.stack = { stack };
  }
}
