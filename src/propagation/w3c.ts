// W3C Trace Context (level 2) and Baggage: what strangers send in `traceparent`, `tracestate` and `baggage`, and what we send in them.
import { parseId } from './ids.js';

export const traceparentHeader = 'traceparent';
export const tracestateHeader = 'tracestate';
export const baggageHeader = 'baggage';

const sampledBit = 1;
const randomBit = 2;
const nothing = '0'.repeat(16);
const traceparent = /^(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const traceparentLength = 55;
const maxMembers = 32;
const maxPartLength = 256;
const maxTenantLength = 241;
const maxSystemLength = 14;
/** What everybody has to pass on; the 16 KiB that a list may have would not fit into the headers of a neighbour. */
const maxTracestateLength = 512;
const longMember = 128;
const maxBaggageMembers = 64;
const maxBaggageLength = 8192;

/** Kinds of characters, as bits; what is none of ASCII is of no kind. */
const keyKind = 1;
const valueKind = 2;
const tokenKind = 4;
const octetKind = 8;
const spaceKind = 16;

/** Characters of each kind, as ranges: first and last, first and last. */
const ranges: readonly (readonly [kind: number, ranges: string])[] = [
  [keyKind, 'az09__--**//'],
  [valueKind, ' +-<>~'],
  [tokenKind, "azAZ09__!!#'*+--..^^``||~~"],
  [octetKind, '!!#+-:<[]~'],
  [spaceKind, '  \t\t'],
];

function kindsOfCharacters(): Uint8Array {
  const kinds = new Uint8Array(128);
  for (const [kind, pairs] of ranges) {
    for (let index = 0; index < pairs.length; index += 2) {
      const last = pairs.charCodeAt(index + 1);
      for (let code = pairs.charCodeAt(index); code <= last; code++) kinds[code] = (kinds[code] ?? 0) | kind;
    }
  }
  return kinds;
}

const kinds: Uint8Array = kindsOfCharacters();
const equals = 0x3d;
const semicolon = 0x3b;
const at = 0x40;

function isOfKind(code: number, kind: number): boolean {
  return code < 128 && ((kinds[code] as number) & kind) !== 0; // inside the bounds
}

/** The end of the characters of a kind that stand at `from`. */
function skip(text: string, from: number, to: number, kind: number): number {
  let index = from;
  while (index < to && isOfKind(text.charCodeAt(index), kind)) index++;
  return index;
}

/** The end of `text` from `from` to `to` without the blanks there. */
function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isOfKind(text.charCodeAt(end - 1), spaceKind)) end--;
  return end;
}

/** Where a text stands next, its length where it does not. */
function find(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}

/** A list made of pieces of a text; those that are neighbours there are taken as one. */
class SliceList {
  readonly #text: string;
  #list = '';
  #from = -1;
  #to = -2;
  count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  add(from: number, to: number): void {
    this.count++;
    if (from !== this.#to + 1) {
      this.#list = this.toString();
      this.#from = from;
    }
    this.#to = to;
  }

  toString(): string {
    if (this.#from < 0) return '';
    const last = this.#text.slice(this.#from, this.#to);
    return this.#list === '' ? last : `${this.#list},${last}`;
  }
}

/**
 * What a caller told in W3C headers, kept as long as calls may be made for its request. All texts are fit for the wire, whatever
 * had been sent.
 */
export class W3cContext {
  /** 32 digits; null when the caller told none and the trace's own id is short. */
  readonly traceId: string | null;
  /** The caller's span; null when there was no `traceparent`. */
  readonly parentId: string | null;
  readonly isSampled: boolean;
  /** The trace id says of itself that it is random. */
  readonly isRandom: boolean;
  /** All members of `tracestate`, ours as it came: for where nothing is traced. */
  tracestate = '';
  /** The members of others. */
  foreign = '';
  /** Our own member: the nearest ancestor that a sensor of Instana has seen. */
  ancestorTraceId: string | null = null;
  ancestorSpanId: string | null = null;
  baggage = '';

  constructor(traceId: string | null, parentId: string | null, flags: number) {
    this.traceId = traceId;
    this.parentId = parentId;
    this.isSampled = (flags & sampledBit) !== 0;
    this.isRandom = (flags & randomBit) !== 0;
  }

  /**
   * Reads a list; `lines` is how many headers it was put together from. A member that breaks the grammar makes the whole list void, our
   * own excepted, which is only looked at. Of a key that comes twice the first counts.
   *
   * More than 32 members: the validation suite of W3C has a list of several lines discarded, the official sensor cuts one of a single
   * line; both are allowed.
   */
  readTracestate(text: string, lines: number): void {
    const all = new SliceList(text);
    const others = new SliceList(text);
    const keys = new Set<string>();
    let members = 0;
    let isVoid = false;
    let hasOwn = false;
    let middle = -1;
    for (let start = 0; start < text.length; ) {
      const end = find(text, ',', start);
      const from = skip(text, start, end, spaceKind);
      const to = trimmedEnd(text, from, end);
      start = end + 1;
      if (middle < from) middle = find(text, '=', from); // else there is none before it, and looking again would take long
      if (middle >= to) continue; // empty, or no member at all
      members++;
      if (isInstanaKey(text, from, middle)) {
        if (hasOwn) continue;
        hasOwn = true;
        this.#readInstanaMember(text.slice(middle + 1, to));
        if (all.count < maxMembers && isKey(text, from, middle) && isValue(text, middle + 1, to)) all.add(from, to);
        continue;
      }
      if (isVoid || (members > maxMembers && lines === 1)) continue; // ours may still come
      isVoid = members > maxMembers || !isKey(text, from, middle) || !isValue(text, middle + 1, to);
      if (isVoid) continue;
      const key = text.slice(from, middle);
      if (keys.has(key)) continue;
      keys.add(key);
      all.add(from, to);
      if (others.count < maxMembers - 1) others.add(from, to);
    }
    if (isVoid) return;
    this.tracestate = shortened(all.toString());
    this.foreign = all.count === others.count ? this.tracestate : shortened(others.toString());
  }

  #readInstanaMember(value: string): void {
    const middle = value.indexOf(';');
    if (middle < 0 || value.length - middle > 17) return;
    const traceId = parseId(value.slice(0, middle));
    const spanId = parseId(value.slice(middle + 1));
    if (traceId === null || spanId === null) return;
    this.ancestorTraceId = traceId;
    this.ancestorSpanId = spanId;
  }
}

/** Reads `traceparent`; null for one that has to be ignored. */
export function readTraceparent(header: string): W3cContext | null {
  const { length } = header;
  const text =
    length === traceparentLength
      ? header
      : header.slice(skip(header, 0, length, spaceKind), trimmedEnd(header, 0, length));
  const head = text.slice(0, traceparentLength);
  if (!traceparent.test(head)) return null;
  // Later versions may have more fields, this one has none.
  if (text.length > traceparentLength && (text.startsWith('00') || text[traceparentLength] !== '-')) return null;
  const traceId = head.slice(3, 35);
  const parentId = head.slice(36, 52);
  if (parentId === nothing || traceId === nothing + nothing) return null;
  return new W3cContext(traceId, parentId, Number.parseInt(head.slice(53), 16));
}

/** The context of a trace whose id of 32 digits came in a header of ours. */
export function contextOfLongId(traceId: string): W3cContext {
  return new W3cContext(traceId, null, sampledBit | randomBit);
}

/** `traceparent` of a call that is traced. */
export function tracedTraceparent(traceId: string, spanId: string, w3c: W3cContext | null): string {
  if (w3c === null || w3c.traceId === null) return `00-${nothing}${traceId}-${spanId}-03`;
  return `00-${w3c.traceId}-${spanId}-${w3c.isRandom ? '03' : '01'}`;
}

/** `tracestate` of a call that is traced: our member, and those of others behind it. */
export function tracedTracestate(traceId: string, spanId: string, w3c: W3cContext | null): string {
  const own = `in=${traceId};${spanId}`;
  return w3c === null || w3c.foreign === '' ? own : `${own},${w3c.foreign}`;
}

/** `traceparent` of a call of which nothing is recorded. The parent's id changes only with its flags. */
export function suppressedTraceparent(w3c: W3cContext | null, ids: { next(): string }): string {
  if (w3c === null || w3c.traceId === null || w3c.parentId === null)
    return `00-${nothing}${ids.next()}-${ids.next()}-02`;
  return `00-${w3c.traceId}-${w3c.isSampled ? ids.next() : w3c.parentId}-${w3c.isRandom ? '02' : '00'}`;
}

/** `baggage` as it came when nothing is wrong with it; else those members that are well-formed and fit. */
export function readBaggage(text: string): string {
  const kept = new SliceList(text);
  let bytes = 0;
  let isWhole = text.length <= maxBaggageLength;
  for (let start = 0; start <= text.length; ) {
    const end = find(text, ',', start);
    const from = skip(text, start, end, spaceKind);
    const to = trimmedEnd(text, from, end);
    start = end + 1;
    if (kept.count < maxBaggageMembers && bytes + to - from <= maxBaggageLength && isBaggage(text, from, to)) {
      kept.add(from, to);
      bytes += to - from + 1;
    } else {
      isWhole = false;
    }
  }
  return isWhole ? text : kept.toString();
}

/** A key, a value that may be empty, and properties behind semicolons. */
function isBaggage(text: string, from: number, to: number): boolean {
  let index = skip(text, from, to, tokenKind);
  if (index === from) return false;
  index = skip(text, index, to, spaceKind);
  if (index === to || text.charCodeAt(index) !== equals) return false;
  index = pastValue(text, index, to);
  while (index < to) {
    if (text.charCodeAt(index) !== semicolon) return false;
    const key = skip(text, index + 1, to, spaceKind);
    index = skip(text, key, to, tokenKind);
    if (index === key) return false;
    index = skip(text, index, to, spaceKind);
    if (index < to && text.charCodeAt(index) === equals) index = pastValue(text, index, to);
  }
  return true;
}

/** Where a value ends, with the blanks around it; `from` is where the equals sign stands. */
function pastValue(text: string, from: number, to: number): number {
  return skip(text, skip(text, skip(text, from + 1, to, spaceKind), to, octetKind), to, spaceKind);
}

/** In any case, as the official sensor reads it. */
function isInstanaKey(text: string, from: number, to: number): boolean {
  return to - from === 2 && (text.charCodeAt(from) | 0x20) === 0x69 && (text.charCodeAt(from + 1) | 0x20) === 0x6e;
}

/**
 * With an at sign in it, it names a tenant of a system, each with a length of its own. Level 2 no longer says so, but its validation
 * suite does, and so do other implementations.
 */
function isKey(text: string, from: number, to: number): boolean {
  if (to - from > maxPartLength || !isLetterOrDigit(text.charCodeAt(from))) return false;
  const middle = skip(text, from, to, keyKind);
  if (middle === to) return true;
  if (text.charCodeAt(middle) !== at || middle - from > maxTenantLength) return false;
  const system = to - middle - 1;
  return (
    system > 0 &&
    system <= maxSystemLength &&
    isLetterOrDigit(text.charCodeAt(middle + 1)) &&
    skip(text, middle + 1, to, keyKind) === to
  );
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
}

function isValue(text: string, from: number, to: number): boolean {
  return from < to && to - from <= maxPartLength && skip(text, from, to, valueKind) === to;
}

/** Whole members go: the long ones first, then the last ones. */
function shortened(list: string): string {
  if (list.length <= maxTracestateLength) return list;
  const members = list.split(',');
  let length = list.length;
  for (let index = members.length - 1; index >= 0 && length > maxTracestateLength; index--) {
    const size = members[index]?.length ?? 0;
    if (size <= longMember) continue;
    members.splice(index, 1);
    length -= size + 1;
  }
  while (length > maxTracestateLength) length -= (members.pop()?.length ?? 0) + 1;
  return members.join(',');
}
