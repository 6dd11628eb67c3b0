// The X-INSTANA headers: read from a request that comes in, written to one that goes out.
import { parseId } from './ids.js';

export const traceHeader = 'X-INSTANA-T';
export const spanHeader = 'X-INSTANA-S';
export const levelHeader = 'X-INSTANA-L';

/** What a caller told about its trace; ids are checked and padded, null when there were none that can be used. */
export interface TraceHeaders {
  /** 16 or 32 digits. Null unless the span id is there too. */
  readonly traceId: string | null;
  readonly spanId: string | null;
  /** Level 0: the caller wants no spans of this request. */
  readonly suppressed: boolean;
  readonly correlationType: string | null;
  readonly correlationId: string | null;
  readonly synthetic: boolean;
}

const headerLengths = 'x-instana-t'.length;
const syntheticName = 'x-instana-synthetic';
const prefix = 'x-instana-';
const correlationId = /^[\w-]{1,64}$/;
const correlationTypes = new Set(['web', 'mobile']);

/**
 * Reads the headers of one request after another. The same object is filled anew by each `read`,
 * because making one a request would be garbage for nothing: most requests have none of these headers.
 */
export class TraceHeaderReader implements TraceHeaders {
  traceId: string | null = null;
  spanId: string | null = null;
  suppressed = false;
  correlationType: string | null = null;
  correlationId: string | null = null;
  synthetic = false;
  /** The Host header, the first one; null when there is none. */
  host: string | null = null;

  /** `rawHeaders` as Node.js has it: name, value, name, value; of it, since `req.headers` is built on first use. */
  read(rawHeaders: readonly string[]): void {
    this.traceId = null;
    this.spanId = null;
    this.suppressed = false;
    this.correlationType = null;
    this.correlationId = null;
    this.synthetic = false;
    this.host = null;
    let trace: string | undefined;
    let span: string | undefined;
    let level: string | undefined;
    let twice = false;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string; // inside the bounds
      const { length } = name;
      if (length === 4) {
        if (this.host === null && (name === 'Host' || name.toLowerCase() === 'host'))
          this.host = rawHeaders[index + 1] as string;
        continue;
      }
      if ((length !== headerLengths && length !== syntheticName.length) || (name.charCodeAt(0) | 0x20) !== 0x78)
        continue;
      const lower = name.toLowerCase();
      if (!lower.startsWith(prefix)) continue;
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
    // Two trace ids contradict each other: neither is believed.
    if (trace === undefined || span === undefined || twice) return;
    const traceId = parseId(trace);
    const spanId = parseId(span);
    if (traceId === null || spanId === null) return;
    this.traceId = traceId;
    this.spanId = spanId.length > 16 ? spanId.slice(-16) : spanId;
  }

  /** `0`, `1`, or `1,correlationType=web;correlationId=ID`. */
  #readLevel(value: string): void {
    const comma = value.indexOf(',');
    const level = (comma < 0 ? value : value.slice(0, comma)).trim();
    this.suppressed = level === '0';
    // Any other level counts as no header at all.
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

/** Whether a header name is one of the three that we write, in any spelling. */
export function isTraceHeader(name: string): boolean {
  if (name.length !== headerLengths || (name.charCodeAt(0) | 0x20) !== 0x78) return false;
  const lower = name.toLowerCase();
  return lower === 'x-instana-t' || lower === 'x-instana-s' || lower === 'x-instana-l';
}
