// Adds `Server-Timing: intid;desc=<trace id>` to the responses of traced requests, so that a page can find its trace. The header is
// added to the arguments of `writeHead`, which Node.js calls for implicit heads as well. Set earlier, it would change how Node.js 20
// treats raw lists.
import type { ServerResponse } from 'node:http';
import type { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { type HostFunction, sourceOf } from '../wrap-method.js';

const header = 'Server-Timing';
const lowerHeader = 'server-timing';
const timingPair = /(?:^|,)\s*intid\s*(?:[;,]|$)/i;

type WriteHead = (this: ServerResponse, status?: unknown, reason?: unknown, headers?: unknown) => unknown;
/** The headers that are set on a response, as Node.js keeps them: name and value, by lower-case name. */
type HeadersSet = Readonly<Record<string, readonly [name: string, value: unknown] | undefined>>;

/** Returns the wrapper for `writeHead` of responses. */
export function serverTiming({ entrySpans, errors }: InstrumentationContext): (original: HostFunction) => HostFunction {
  const breaker = errors.breaker('head of a response');
  const set = new SetHeaders();
  return (original) => {
    const write = original as WriteHead;
    // An earlier replacement may write another status. Then the status is read from the response at its end.
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
          // The response does not keep headers that are only passed to `writeHead`.
          if (before === null && passed && entrySpans.capturesHeaders)
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

/** A 1xx response, which precedes the final one or switches the protocol. */
function isInformational(status: unknown): boolean {
  return typeof status === 'number' && status < 200;
}

/** Reads the headers that are set on a response before its head is written; null if there are none. */
class SetHeaders {
  #key: symbol | undefined;

  of(response: ServerResponse): HeadersSet | null {
    this.#key ??= Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kOutHeaders');
    if (this.#key === undefined) return publicHeaders(response);
    const set = (response as unknown as Record<symbol, HeadersSet | null | undefined>)[this.#key]; // as Node.js keeps it
    return set === undefined ? publicHeaders(response) : set;
  }
}

/** The same through public methods, which are slower and lose the case of names. */
function publicHeaders(response: ServerResponse): HeadersSet | null {
  if (response.getHeaderNames().length === 0) return null;
  const value = response.getHeader(lowerHeader);
  return value === undefined ? {} : { [lowerHeader]: [header, value] };
}

/**
 * Headers for `writeHead` that include the pair; null to leave the arguments unchanged, because the pair is there or Node.js will
 * reject them. Never modifies the application's object. Without headers that were set before, Node.js writes its argument, and reads a
 * flat list fastest. With such headers it sets each one of the argument.
 */
function headersWithPair(response: ServerResponse, passed: unknown, before: HeadersSet | null, pair: string): unknown {
  if (before === null) {
    if (!passed) return [header, pair];
    if (!Array.isArray(passed)) return addToList(membersOf(passed), pair);
    return Array.isArray(passed[0]) ? addToPairs(passed, pair) : addToList(passed.slice(), pair);
  }
  const current = before[lowerHeader];
  if (!passed) return current === undefined ? { [header]: pair } : asObject(current[0], withPair(current[1], pair));
  if (!Array.isArray(passed)) return addToObject({ ...(passed as object) }, current, pair);
  if (Array.isArray(passed[0])) return null; // Node.js rejects it
  if (current === undefined || passed.some((entry, index) => index % 2 === 0 && isHeader(entry)))
    return addToList(passed.slice(), pair);
  // Node.js 22 removes the headers that a raw list names before it sets them. The value would move, and be lost if the list is invalid.
  const value = withPair(current[1], pair);
  if (value !== null && !response.headersSent) response.setHeader(current[0], value as string);
  return null;
}

function asObject(name: string, value: unknown): unknown {
  return value === null ? null : { [name]: value };
}

function isHeader(name: unknown): boolean {
  return typeof name === 'string' && name.length === header.length && name.toLowerCase() === lowerHeader;
}

/** The members that Node.js would write, each read once, as a flat list. */
function membersOf(passed: unknown): unknown[] {
  const found: unknown[] = [];
  const source = passed as Record<string, unknown>; // Node.js writes the members of a text or a number as well
  for (const name in source) if (Object.hasOwn(source, name)) found.push(name, source[name]);
  return found;
}

/** Adds the pair to a flat list: to the last value of the header, or else at the end. */
function addToList(headers: unknown[], pair: string): unknown[] | null {
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
  headers[last] = withPair(headers[last], pair);
  return headers[last] === null ? null : headers;
}

/** The same for a list of pairs. */
function addToPairs(passed: readonly unknown[], pair: string): unknown[] | null {
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
  const [name, value] = headers[last] as [unknown, unknown]; // checked above
  const merged = withPair(value, pair);
  headers[last] = [name, merged];
  return merged === null ? null : headers;
}

/** The same for an object. `current` is the header that is set on the response. */
function addToObject(headers: Record<string, unknown>, current: HeadersSet[string] | undefined, pair: string): unknown {
  let last: string | null = null;
  for (const key in headers) if (isHeader(key)) last = key;
  const value =
    last !== null ? withPair(headers[last], pair) : current === undefined ? pair : withPair(current[1], pair);
  if (value === null) return null;
  headers[last ?? current?.[0] ?? header] = value;
  return headers;
}

/** A header value with the pair added; null if it has one already, or Node.js would not send it. */
function withPair(value: unknown, pair: string): unknown {
  if (value === undefined || typeof value === 'symbol' || hasPair(value)) return null;
  if (Array.isArray(value)) return [...value, pair];
  if (typeof value !== 'string' && typeof value !== 'number') return [value, pair];
  return value === '' ? pair : `${value}, ${pair}`;
}

function hasPair(value: unknown): boolean {
  return Array.isArray(value) ? value.some(hasPair) : typeof value === 'string' && timingPair.test(value);
}

function flatList(passed: unknown): readonly unknown[] {
  if (!Array.isArray(passed)) return membersOf(passed);
  return Array.isArray(passed[0]) ? passed.flat() : passed;
}
