// The part of a span that crosses process boundaries, as OpenTracing's SpanContext.
import { SpanContext } from 'opentracing';
import type { W3cContext } from '../propagation/w3c-context.js';

/** Limits of baggage, because all of it is sent with every call. */
export const maxBaggageItems = 64;
export const maxBaggageLength = 8192;

/** What `inject` writes and `extract` returns. */
export class InstanaSpanContext extends SpanContext {
  /** 16 hexadecimal digits. Empty if a caller only asked for no spans. */
  readonly traceId: string;
  readonly spanId: string;
  readonly suppressed: boolean;
  readonly baggage: Readonly<Record<string, string>> | null;
  /** The W3C context for calls in the span. Not injected. */
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

/** Returns baggage with an item added or replaced; null if that would exceed the limits. */
export function withBaggageItem(
  baggage: Readonly<Record<string, string>> | null,
  key: string,
  value: string,
): Readonly<Record<string, string>> | null {
  const { [key]: _replaced, ...others } = baggage ?? {};
  let length = key.length + value.length;
  for (const other of Object.keys(others)) length += other.length + (others[other]?.length ?? 0);
  if (length > maxBaggageLength || Object.keys(others).length >= maxBaggageItems) return null;
  return { ...others, [key]: value };
}
