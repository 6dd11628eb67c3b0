// Span context in carriers of text: X-INSTANA-T, -S, -L and baggage, as OpenTracing's inject and extract have them.
import { hasShortId, parseId, shortId } from '../propagation/ids.js';
import { contextOfLongId, type W3cContext } from '../propagation/w3c.js';
import { InstanaSpanContext } from './opentracing-span.js';

const baggagePrefix = 'x-instana-b-';
/** How the Python sensor writes it. */
const seedBaggagePrefix = 'x-instana-baggage-';
/** How a WSGI environment spells header names; accepted because the Python sensor's carriers have it. */
const environmentPrefix = 'http_';
const maxBaggageLength = 8192;
const maxBaggageMembers = 64;
const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
/** Version, level, trace id, span id. */
const binaryBytes = 26;

/** Writes into an object of texts. Values of baggage are percent-encoded for HTTP headers only. */
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
    if (forHttp && !headerName.test(key)) continue; // the application's request would be refused
    target[`${baggagePrefix}${key}`] = forHttp ? encode(value) : value;
  }
}

/** Writes into the `buffer` of a carrier: version 1, level, 16 bytes of the trace id, 8 of the span id. Baggage is left out. */
export function injectBinary({ suppressed, traceId, spanId }: InstanaSpanContext, carrier: unknown): void {
  if (typeof carrier !== 'object' || carrier === null) return;
  const ids = traceId.padStart(32, '0') + spanId.padStart(16, '0');
  const target = carrier as { buffer?: number[] };
  target.buffer = [1, suppressed ? 0 : 1, ...Buffer.from(ids, 'hex')];
}

/** Reads what `injectBinary` wrote, from any list of bytes; null for anything else. */
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

/** Reads names in any case; null when there are neither both ids nor a level of 0. */
export function extractTextMap(carrier: unknown, forHttp: boolean): InstanaSpanContext | null {
  if (typeof carrier !== 'object' || carrier === null) return null;
  const found: { t?: string; s?: string; l?: string } = {};
  const baggage: Record<string, string> = Object.create(null);
  const room = { items: maxBaggageMembers, bytes: maxBaggageLength };
  for (const [name, value] of Object.entries(carrier)) {
    const text = Array.isArray(value) ? (value.length === 1 ? value[0] : undefined) : value;
    if (typeof text !== 'string') continue;
    readMember(canonical(name), name, text, found, baggage, room, forHttp);
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

/** So that calls below pass on all 32 digits that came; null for an id of 16. */
function longContext(traceId: string): W3cContext | null {
  return traceId.length === 16 || traceId.startsWith('0'.repeat(16)) ? null : contextOfLongId(traceId);
}

function canonical(name: string): string {
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
    const prefix = name.startsWith(baggagePrefix) ? baggagePrefix : seedBaggagePrefix;
    if (!name.startsWith(prefix)) return;
    room.items--;
    room.bytes -= name.length + text.length;
    // HTTP knows no case of names; elsewhere a key comes out as it went in.
    const shown = forHttp || raw.length !== name.length ? name : raw;
    baggage[shown.slice(prefix.length)] = forHttp ? decode(text) : text;
  }
}

/** A lone surrogate has no UTF-8 form. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
