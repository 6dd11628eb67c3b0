// Writes a span context into carriers and reads it from them: OpenTracing's `inject` and `extract`.
import { hasShortId, parseId, shortId } from '../propagation/ids.js';
import { contextOfLongId, type W3cContext } from '../propagation/w3c-context.js';
import { InstanaSpanContext, maxBaggageItems, maxBaggageLength } from './span-context.js';

const baggagePrefix = 'x-instana-b-';
/** The prefix of the Python sensor. */
const pythonBaggagePrefix = 'x-instana-baggage-';
/** The prefix of header names in a WSGI environment, which is a carrier of the Python sensor. */
const environmentPrefix = 'http_';
const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
/** Version, level, trace id, span id. */
const binaryBytes = 26;

/** Writes `x-instana-t`, `-s`, `-l` and baggage into an object. Baggage values are percent-encoded for HTTP headers only. */
export function injectTextMap(context: InstanaSpanContext, carrier: unknown, forHttp: boolean): void {
  if (typeof carrier !== 'object' || carrier === null) return;
  const target = carrier as Record<string, string>;
  if (context.suppressed) {
    target['x-instana-l'] = '0';
    return;
  }
  target['x-instana-t'] = context.traceId;
  target['x-instana-s'] = context.spanId;
  target['x-instana-l'] = '1';
  for (const [key, value] of Object.entries(context.baggage ?? {})) {
    if (forHttp && !headerName.test(key)) continue; // Node.js would reject the application's request
    target[`${baggagePrefix}${key}`] = forHttp ? encodeValue(value) : value;
  }
}

/** Writes version 1, level, 16 bytes of the trace id and 8 of the span id into the `buffer` of a carrier. Omits baggage. */
export function injectBinary({ suppressed, traceId, spanId }: InstanaSpanContext, carrier: unknown): void {
  if (typeof carrier !== 'object' || carrier === null) return;
  const ids = traceId.padStart(32, '0') + spanId.padStart(16, '0');
  const target = carrier as { buffer?: number[] };
  target.buffer = [1, suppressed ? 0 : 1, ...Buffer.from(ids, 'hex')];
}

/** Reads the format of `injectBinary` from any list of bytes; null for anything else. */
export function extractBinary(carrier: unknown): InstanaSpanContext | null {
  const buffer: unknown = (carrier as { buffer?: unknown } | null | undefined)?.buffer;
  if (!Array.isArray(buffer) && !(buffer instanceof Uint8Array)) return null;
  if (buffer.length !== binaryBytes || buffer[0] !== 1) return null;
  const bytes = Buffer.from(buffer);
  const suppressed = bytes[1] === 0;
  const traceId = parseId(bytes.toString('hex', 2, 18));
  const spanId = parseId(bytes.toString('hex', 18));
  if (traceId !== null && spanId !== null && hasShortId(traceId))
    return new InstanaSpanContext(shortId(traceId), shortId(spanId), suppressed, null, longContext(traceId));
  return suppressed ? new InstanaSpanContext('', '', true, null) : null;
}

/** Reads an object, with names in any case. Null unless it has both ids or level 0. */
export function extractTextMap(carrier: unknown, forHttp: boolean): InstanaSpanContext | null {
  if (typeof carrier !== 'object' || carrier === null) return null;
  const found: { t?: string; s?: string; l?: string } = {};
  const baggage: Record<string, string> = Object.create(null);
  const room = { items: maxBaggageItems, bytes: maxBaggageLength };
  for (const [name, value] of Object.entries(carrier)) {
    const text = Array.isArray(value) ? (value.length === 1 ? value[0] : undefined) : value;
    if (typeof text !== 'string') continue;
    readMember(canonicalName(name), name, text, found, baggage, room, forHttp);
  }
  const suppressed = found.l?.split(',', 1)[0]?.trim() === '0';
  const traceId = parseId(found.t);
  const spanId = parseId(found.s);
  const hasIds = traceId !== null && spanId !== null && hasShortId(traceId) && hasShortId(spanId);
  if (!hasIds && !suppressed) return null;
  return new InstanaSpanContext(
    hasIds ? shortId(traceId) : '',
    hasIds ? shortId(spanId) : '',
    suppressed,
    Object.keys(baggage).length > 0 ? baggage : null,
    hasIds ? longContext(traceId) : null,
  );
}

/** Makes calls in the span forward all 32 digits of the id; null for an id of 16. */
function longContext(traceId: string): W3cContext | null {
  return traceId.length === 16 || traceId.startsWith('0'.repeat(16)) ? null : contextOfLongId(traceId);
}

function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.startsWith(environmentPrefix) ? lower.slice(environmentPrefix.length).replaceAll('_', '-') : lower;
}

function readMember(
  name: string,
  raw: string,
  text: string,
  found: { t?: string; s?: string; l?: string },
  baggage: Record<string, string>,
  room: { items: number; bytes: number },
  forHttp: boolean,
): void {
  if (name === 'x-instana-t') found.t = text;
  else if (name === 'x-instana-s') found.s = text;
  else if (name === 'x-instana-l') found.l = text;
  else if (room.items > 0 && name.length + text.length <= room.bytes) {
    const prefix = name.startsWith(baggagePrefix) ? baggagePrefix : pythonBaggagePrefix;
    if (!name.startsWith(prefix)) return;
    room.items--;
    room.bytes -= name.length + text.length;
    // Names of HTTP headers ignore case. Other carriers keep the key as it was injected.
    const fullKey = forHttp || raw.length !== name.length ? name : raw;
    baggage[fullKey.slice(prefix.length)] = forHttp ? decodeValue(text) : text;
  }
}

/** Replaces lone surrogates, which have no UTF-8 form. */
function encodeValue(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** Returns an invalid value as it is. */
function decodeValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
