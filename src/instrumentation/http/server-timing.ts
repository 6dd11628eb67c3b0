// `Server-Timing: intid;desc=<trace id>` on the responses of traced requests, by which a page finds its trace. It is added to what
// `writeHead` is given, which implicit heads go through as well: a header set earlier would change how Node.js 20 treats raw lists.
import type { ServerResponse } from 'node:http';
import type { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { type HostFunction, sourceOf } from '../wrap-method.js';

const header = 'Server-Timing';
const lowerHeader = 'server-timing';
const timingPair = /(?:^|,)\s*intid\s*(?:[;,]|$)/i;

type WriteHead = (this: ServerResponse, status?: unknown, reason?: unknown, headers?: unknown) => unknown;
/** What was set on a response so far, as Node.js keeps it: name as it was given and value, by lower-case name. */
type HeadersSet = Readonly<Record<string, readonly [name: string, value: unknown] | undefined>>;

/** Returns what `writeHead` of a response is to be wrapped with. */
export function serverTiming({ entrySpans, errors }: InstrumentationContext): (original: HostFunction) => HostFunction {
  const breaker = errors.breaker('head of a response');
  const set = new SetHeaders();
  return (original) => {
    const write = original as WriteHead;
    // Somebody who was here before may change what is written: then the response tells, at its end.
    const isNodes = /_storeHeader\b/.test(sourceOf(original));
    function writeHead(this: ServerResponse, status?: unknown, reason?: unknown, headers?: unknown): unknown {
      let span: SpanRecord | null = null;
      let changed: unknown = null;
      try {
        span = breaker.isOpen || isInformational(status) ? null : entrySpans.spanOf(this);
        if (span !== null) {
          const passed = typeof reason === 'string' ? headers : (headers ?? reason); // as Node.js reads its arguments
          const before = set.of(this);
          changed = headersWithPair(this, passed, before, `intid;desc=${span.traceId}`);
          // Headers that are given with the head only are forgotten by the response.
          if (before === null && passed && entrySpans.captures)
            entrySpans.captureWrittenHeaders(this, flatList(changed ?? passed));
        }
      } catch (error) {
        breaker.record(error);
        changed = null;
      }
      let result: unknown;
      if (changed === null) result = Reflect.apply(original, this, arguments);
      else
        result =
          typeof reason === 'string' ? write.call(this, status, reason, changed) : write.call(this, status, changed);
      if (isNodes && span !== null) entrySpans.headWritten(span, status);
      return result;
    }
    return writeHead as HostFunction;
  };
}

/** An answer that is none yet, and the change to another protocol. */
function isInformational(status: unknown): boolean {
  return typeof status === 'number' && status < 200;
}

/** Finds the headers that were set on a response before its head is written; null when Node.js keeps none. */
class SetHeaders {
  #key: symbol | undefined;

  of(response: ServerResponse): HeadersSet | null {
    this.#key ??= Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kOutHeaders');
    if (this.#key === undefined) return shownHeaders(response);
    const set = (response as unknown as Record<symbol, HeadersSet | null | undefined>)[this.#key]; // as Node.js has it
    return set === undefined ? shownHeaders(response) : set;
  }
}

/** The same through methods that everybody may call: slower, and without the spelling of names. */
function shownHeaders(response: ServerResponse): HeadersSet | null {
  if (response.getHeaderNames().length === 0) return null;
  const value = response.getHeader(lowerHeader);
  return value === undefined ? {} : { [lowerHeader]: [header, value] };
}

/**
 * Headers for `writeHead` that have the pair; null when the arguments are to be left as they are, because the pair is there or
 * Node.js will refuse them. Never the application's own object. Without headers that were set before, Node.js writes what it is
 * given, and a flat list is what it reads fastest; with such headers it sets each that it is given.
 */
function headersWithPair(response: ServerResponse, passed: unknown, before: HeadersSet | null, pair: string): unknown {
  if (before === null) {
    if (!passed) return [header, pair];
    if (!Array.isArray(passed)) return list(members(passed), pair);
    return Array.isArray(passed[0]) ? listOfPairs(passed, pair) : list(passed.slice(), pair);
  }
  const own = before[lowerHeader];
  if (!passed) return own === undefined ? { [header]: pair } : member(own[0], merged(own[1], pair));
  if (!Array.isArray(passed)) return withMember({ ...(passed as object) }, own, pair);
  if (Array.isArray(passed[0])) return null; // refused
  if (own === undefined || passed.some((entry, index) => index % 2 === 0 && isHeader(entry)))
    return list(passed.slice(), pair);
  // Node.js 22 takes headers that a raw list names out before it sets them: the value would move, and be lost with a list that is bad.
  const value = merged(own[1], pair);
  if (value !== null && !response.headersSent) response.setHeader(own[0], value as string);
  return null;
}

function member(name: string, value: unknown): unknown {
  return value === null ? null : { [name]: value };
}

function isHeader(name: unknown): boolean {
  return typeof name === 'string' && name.length === header.length && name.toLowerCase() === lowerHeader;
}

/** The members that Node.js would write, each read once, as a flat list. */
function members(passed: unknown): unknown[] {
  const found: unknown[] = [];
  const source = passed as Record<string, unknown>; // of a text or a number too Node.js would write the members
  for (const name in source) if (Object.hasOwn(source, name)) found.push(name, source[name]);
  return found;
}

/** Adds to a flat list: to the last value that the header has in it, else behind the others. */
function list(headers: unknown[], pair: string): unknown[] | null {
  if (headers.length % 2 !== 0) return null;
  let last = -1;
  for (let index = 0; index < headers.length; index += 2) {
    if (!isHeader(headers[index])) continue;
    if (hasPair(headers[index + 1])) return null;
    last = index + 1;
  }
  if (last < 0) {
    headers.push(header, pair);
    return headers;
  }
  headers[last] = merged(headers[last], pair);
  return headers[last] === null ? null : headers;
}

function listOfPairs(passed: readonly unknown[], pair: string): unknown[] | null {
  const headers = passed.slice();
  let last = -1;
  for (const [index, entry] of headers.entries()) {
    if (!Array.isArray(entry) || !isHeader(entry[0])) continue;
    if (hasPair(entry[1])) return null;
    last = index;
  }
  if (last < 0) {
    headers.push([header, pair]);
    return headers;
  }
  const [name, value] = headers[last] as [unknown, unknown]; // looked at above
  const both = merged(value, pair);
  headers[last] = [name, both];
  return both === null ? null : headers;
}

function withMember(headers: Record<string, unknown>, own: HeadersSet[string] | undefined, pair: string): unknown {
  let last: string | null = null;
  for (const key in headers) if (isHeader(key)) last = key;
  const value = last === null ? (own === undefined ? pair : merged(own[1], pair)) : merged(headers[last], pair);
  if (value === null) return null;
  headers[last ?? own?.[0] ?? header] = value;
  return headers;
}

/** A value with the pair behind it; null when it has one, or is nothing that Node.js would send. */
function merged(value: unknown, pair: string): unknown {
  if (value === undefined || typeof value === 'symbol' || hasPair(value)) return null;
  if (Array.isArray(value)) return [...value, pair];
  if (typeof value !== 'string' && typeof value !== 'number') return [value, pair];
  return value === '' ? pair : `${value}, ${pair}`;
}

function hasPair(value: unknown): boolean {
  return Array.isArray(value) ? value.some(hasPair) : typeof value === 'string' && timingPair.test(value);
}

function flatList(passed: unknown): readonly unknown[] {
  if (!Array.isArray(passed)) return members(passed);
  return Array.isArray(passed[0]) ? passed.flat() : passed;
}
