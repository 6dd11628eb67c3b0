// `traceparent` of W3C Trace Context, level 2: reading it, and writing that of a call.
import { skip, spaceKind, trimmedEnd } from './list-scanner.js';
import { W3cContext } from './w3c-context.js';

export const traceparentHeader = 'traceparent';

const zeros = '0'.repeat(16);
const pattern = /^(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const length = 55;

/** Reads `traceparent`. Null for an invalid one, which has to be ignored. */
export function readTraceparent(header: string): W3cContext | null {
  const end = header.length;
  const text = end === length ? header : header.slice(skip(header, 0, end, spaceKind), trimmedEnd(header, 0, end));
  const head = text.slice(0, length);
  if (!pattern.test(head)) return null;
  // Later versions may have more fields. Version 00 has none.
  if (text.length > length && (text.startsWith('00') || text[length] !== '-')) return null;
  const traceId = head.slice(3, 35);
  const parentId = head.slice(36, 52);
  if (parentId === zeros || traceId === zeros + zeros) return null;
  return new W3cContext(traceId, parentId, Number.parseInt(head.slice(53), 16));
}

/** `traceparent` of a call that is traced. */
export function tracedTraceparent(traceId: string, spanId: string, w3c: W3cContext | null): string {
  if (w3c === null || w3c.traceId === null) return `00-${zeros}${traceId}-${spanId}-03`;
  return `00-${w3c.traceId}-${spanId}-${w3c.isRandom ? '03' : '01'}`;
}

/** `traceparent` of a call that is not recorded. It keeps the caller's parent id unless the flags change. */
export function suppressedTraceparent(w3c: W3cContext | null, ids: { next(): string }): string {
  if (w3c === null || w3c.traceId === null || w3c.parentId === null) return `00-${zeros}${ids.next()}-${ids.next()}-02`;
  return `00-${w3c.traceId}-${w3c.isSampled ? ids.next() : w3c.parentId}-${w3c.isRandom ? '02' : '00'}`;
}
