// The trace headers of a request, X-INSTANA and W3C: reading those that arrive, and naming those that are sent.
import { baggageHeader, readBaggage } from './baggage.js';
import { hasShortId, parseId, shortId } from './ids.js';
import { readTraceparent, traceparentHeader } from './traceparent.js';
import { readTracestate, tracestateHeader } from './tracestate.js';
import { contextOfLongId, W3cContext } from './w3c-context.js';

export const traceHeader = 'X-INSTANA-T';
export const spanHeader = 'X-INSTANA-S';
export const levelHeader = 'X-INSTANA-L';

/** The trace of a caller. Ids are checked and padded, and null if a new trace has to begin. */
export interface TraceHeaders {
  /** 16 or 32 digits. Null unless there is a span id, too. */
  readonly traceId: string | null;
  readonly spanId: string | null;
  /** Whether the ids were taken from `traceparent`. */
  readonly fromTraceparent: boolean;
  /** Level 0, or only a `traceparent` that is not sampled: the caller wants no spans of this request. */
  readonly suppressed: boolean;
  /** Forwarded with calls. Null if there were no W3C headers and no long trace id. */
  readonly w3c: W3cContext | null;
  readonly correlationType: string | null;
  readonly correlationId: string | null;
  readonly synthetic: boolean;
}

const syntheticName = 'x-instana-synthetic';
const instanaPrefix = 'x-instana-';
const correlationId = /^[\w-]{1,64}$/;
const correlationTypes = new Set(['web', 'mobile']);

/**
 * Reads the headers of one request after another. Each `read` fills the same object again, because most requests have none of
 * these headers, and one object per request would be garbage.
 */
export class TraceHeaderReader implements TraceHeaders {
  traceId: string | null = null;
  spanId: string | null = null;
  fromTraceparent = false;
  suppressed = false;
  w3c: W3cContext | null = null;
  correlationType: string | null = null;
  correlationId: string | null = null;
  synthetic = false;
  /** The first Host header; null if there is none. */
  host: string | null = null;
  #hasLevel = false;

  /**
   * `rawHeaders` as Node.js has it: name, value, name, value. Not `req.headers`, which Node.js builds on first use. Without
   * `followsW3c` the trace of a `traceparent` is forwarded but not joined.
   */
  read(rawHeaders: readonly string[], followsW3c = true): void {
    this.traceId = null;
    this.spanId = null;
    this.fromTraceparent = false;
    this.suppressed = false;
    this.w3c = null;
    this.correlationType = null;
    this.correlationId = null;
    this.synthetic = false;
    this.host = null;
    this.#hasLevel = false;
    let trace: string | undefined;
    let span: string | undefined;
    let level: string | undefined;
    let twice = false;
    let hasW3c = false;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string; // inside the bounds
      const { length } = name;
      if (length === 4) {
        if (this.host === null && (name === 'Host' || name.toLowerCase() === 'host'))
          this.host = rawHeaders[index + 1] as string;
        continue;
      }
      if (length !== 7 && length !== 11 && length !== syntheticName.length) continue;
      const initial = name.charCodeAt(0) | 0x20;
      if (initial !== 0x78) {
        // `traceparent` or `baggage`. Without one of them, `tracestate` has no effect.
        hasW3c ||= (initial === 0x74 && length === 11) || (initial === 0x62 && length === 7);
        continue;
      }
      const lower = name.toLowerCase();
      if (!lower.startsWith(instanaPrefix)) continue;
      const value = rawHeaders[index + 1] as string;
      if (lower === 'x-instana-t') {
        twice ||= trace !== undefined;
        trace = value;
      } else if (lower === 'x-instana-s') {
        twice ||= span !== undefined;
        span = value;
      } else if (lower === 'x-instana-l') {
        level ??= value;
      } else if (lower === syntheticName) {
        this.synthetic = value === '1';
      }
    }
    if (level !== undefined) this.#readLevel(level);
    // Two trace ids contradict each other, so both are ignored.
    if (trace !== undefined && span !== undefined && !twice) this.#readIds(trace, span);
    if (hasW3c) this.#readW3c(rawHeaders, followsW3c);
    else if (this.correlationId !== null) this.#forgetIds();
    this.#keepLongId();
  }

  /** Without a `traceparent`, the 128-bit trace id of X-INSTANA is sent to services that know W3C only. */
  #keepLongId(): void {
    const { traceId, w3c } = this;
    if (traceId === null || traceId.length === 16 || (w3c !== null && w3c.traceId !== null)) return;
    this.w3c = contextOfLongId(traceId);
    this.w3c.baggage = w3c?.baggage ?? '';
  }

  #readIds(trace: string, span: string): void {
    const traceId = parseId(trace);
    const spanId = parseId(span);
    if (traceId === null || spanId === null || !hasShortId(traceId) || !hasShortId(spanId)) return;
    this.traceId = traceId;
    this.spanId = shortId(spanId);
  }

  #forgetIds(): void {
    this.traceId = null;
    this.spanId = null;
  }

  /** A second pass over the headers, because most requests have none of these. */
  #readW3c(rawHeaders: readonly string[], followsW3c: boolean): void {
    let parent: string | null = null;
    let parents = 0;
    let state = '';
    let states = 0;
    let baggage: string | null = null;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string; // inside the bounds
      const family = headerFamily(name);
      if (family !== w3cFamily && family !== baggageFamily) continue;
      const value = rawHeaders[index + 1] as string;
      if (family === baggageFamily) {
        baggage = baggage === null ? value : `${baggage},${value}`;
      } else if (name.length === 11) {
        parents++;
        parent = value;
      } else {
        states++;
        state = states === 1 ? value : `${state},${value}`;
      }
    }
    const carried = baggage === null ? '' : readBaggage(baggage);
    const w3c = parent !== null && parents === 1 ? readTraceparent(parent) : null;
    if (w3c !== null) {
      if (states > 0) readTracestate(w3c, state, states);
      w3c.baggage = carried;
      this.w3c = w3c;
      this.#follow(w3c, followsW3c);
      return;
    }
    if (this.correlationId !== null) this.#forgetIds();
    if (carried === '') return;
    this.w3c = new W3cContext(null, null, 0);
    this.w3c.baggage = carried;
  }

  /** Decides which ids count if there is a `traceparent`. */
  #follow(w3c: W3cContext, followsW3c: boolean): void {
    const isCorrelated = this.correlationId !== null;
    if (this.suppressed || (this.traceId !== null && !isCorrelated)) return;
    if (followsW3c) {
      this.suppressed = !this.#hasLevel && !w3c.isSampled;
      this.fromTraceparent = w3c.traceId !== null && hasShortId(w3c.traceId);
      this.traceId = this.fromTraceparent ? w3c.traceId : null;
      this.spanId = this.fromTraceparent ? w3c.parentId : null;
    } else if (isCorrelated || w3c.ancestorTraceId === null || !hasShortId(w3c.ancestorTraceId)) {
      this.#forgetIds();
    } else {
      this.traceId = shortId(w3c.ancestorTraceId);
      this.spanId = w3c.ancestorSpanId;
    }
  }

  /** `0`, `1`, or `1,correlationType=web;correlationId=ID`. */
  #readLevel(value: string): void {
    const comma = value.indexOf(',');
    const level = (comma < 0 ? value : value.slice(0, comma)).trim();
    this.suppressed = level === '0';
    this.#hasLevel = level === '0' || level === '1';
    // Any other level is ignored.
    if (comma < 0 || level !== '1' || value.length > 1024) return;
    for (const part of value.slice(comma + 1).split(';')) {
      const equals = part.indexOf('=');
      const key = part.slice(0, Math.max(0, equals)).trim();
      const text = part.slice(equals + 1).trim();
      if (key === 'correlationType' && correlationTypes.has(text)) this.correlationType = text;
      if (key === 'correlationId' && correlationId.test(text)) this.correlationId = text;
    }
    if (this.correlationType === null || this.correlationId === null) {
      this.correlationType = null;
      this.correlationId = null;
    }
  }
}

/** Families of headers, as bits. The headers of a family are sent together or not at all. */
export const instanaFamily = 1;
export const w3cFamily = 2;
const baggageFamily = 4;

/** The family of a header name, in any case; 0 for none. */
export function headerFamily(name: string): number {
  const initial = name.charCodeAt(0) | 0x20;
  if (initial === 0x78) {
    if (name.length !== traceHeader.length) return 0;
    const lower = name.toLowerCase();
    return lower === 'x-instana-t' || lower === 'x-instana-s' || lower === 'x-instana-l' ? instanaFamily : 0;
  }
  if (initial === 0x74) {
    if (name.length !== traceparentHeader.length && name.length !== tracestateHeader.length) return 0;
    const lower = name.toLowerCase();
    return lower === traceparentHeader || lower === tracestateHeader ? w3cFamily : 0;
  }
  return initial === 0x62 && name.length === baggageHeader.length && name.toLowerCase() === baggageHeader
    ? baggageFamily
    : 0;
}

/**
 * Returns the headers of `added` that may be added to a call on which the application has set `families` itself. X-INSTANA headers of
 * the application name its own span, which our X-INSTANA headers and `traceparent` would contradict. `traceparent` and `tracestate`
 * belong together. `baggage` is independent.
 */
export function headersToAdd(added: readonly string[], families: number): readonly string[] {
  if (families === 0) return added;
  const taken = (families & instanaFamily) === 0 ? families : families | w3cFamily;
  const free: string[] = [];
  for (let index = 0; index + 1 < added.length; index += 2) {
    const name = added[index] as string; // inside the bounds
    if ((headerFamily(name) & taken) === 0) free.push(name, added[index + 1] as string);
  }
  return free;
}
