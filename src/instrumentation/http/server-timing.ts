// Adds `Server-Timing: intid;desc=<trace id>` to the responses of traced requests, so that a page can find its trace. The header is
// added to the arguments of `writeHead`, which Node.js calls for implicit heads as well. Set earlier, it would change how Node.js 20
// treats raw lists. It replaces those of other traces, which an application passes on with the headers of a response that it kept.
import type { ServerResponse } from 'node:http';
import type { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { type HostFunction, sourceOf } from '../wrap-method.js';
import { isEmpty, mentionsTrace, TraceMembers, traceMember } from './trace-members.js';

const header = 'Server-Timing';
const lowerHeader = 'server-timing';

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
          changed = headersWithPair(this, passed, before, span.traceId);
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
function headersWithPair(
  response: ServerResponse,
  passed: unknown,
  before: HeadersSet | null,
  traceId: string,
): unknown {
  if (before === null) {
    if (!passed) return [header, traceMember(traceId)];
    if (!Array.isArray(passed)) return addToList(membersOf(passed), traceId, true);
    return Array.isArray(passed[0]) ? addToPairs(passed, traceId) : addToList(passed.slice(), traceId, true);
  }
  const current = before[lowerHeader];
  if (!passed)
    return current === undefined
      ? { [header]: traceMember(traceId) }
      : asObject(current[0], withPair(current[1], traceId));
  if (!Array.isArray(passed)) return addToObject({ ...(passed as object) }, current, traceId);
  if (Array.isArray(passed[0])) return null; // Node.js rejects it
  if (current === undefined || passed.some((entry, index) => index % 2 === 0 && isHeader(entry)))
    return addToList(passed.slice(), traceId, false);
  // Node.js 22 removes the headers that a raw list names before it sets them. The value would move, and be lost if the list is invalid.
  const value = withPair(current[1], traceId);
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

/**
 * Adds the pair to a flat list, which it modifies: to the last value of the header, or else at the end. If headers were set before,
 * Node.js 20 writes the last value only, so `writesAll` is false.
 */
function addToList(headers: unknown[], traceId: string, writesAll: boolean): unknown[] | null {
  if (headers.length % 2 !== 0) return null;
  let last = -1;
  let mentions = false;
  for (let index = 0; index < headers.length; index += 2) {
    if (!isHeader(headers[index])) continue;
    last = index + 1;
    mentions ||= mentionsTrace(headers[last]);
  }
  if (mentions) return replaceInList(headers, last, traceId, writesAll);
  if (last < 0) {
    headers.push(header, traceMember(traceId));
    return headers;
  }
  headers[last] = withPair(headers[last], traceId);
  return headers[last] === null ? null : headers;
}

/** Removes the pairs of other traces from a flat list, and headers that have no other member. `last` is the index of the last value. */
function replaceInList(headers: unknown[], last: number, traceId: string, writesAll: boolean): unknown[] | null {
  const members = new TraceMembers(traceId);
  let end = last;
  for (let index = last; index > 0; index -= 2) {
    if (!isHeader(headers[index - 1])) continue;
    const value = headers[index];
    const rest = members.clean(value, writesAll || index === last);
    headers[index] = rest;
    if (index === last || rest === value || !isEmpty(rest)) continue;
    headers.splice(index - 1, 2);
    end -= 2;
  }
  if (members.isRejected || (members.hasOwn && !members.isChanged)) return null;
  if (!members.hasOwn) headers[end] = appended(headers[end], traceId);
  return headers[end] === null ? null : headers;
}

/** The same for a list of pairs. */
function addToPairs(passed: readonly unknown[], traceId: string): unknown[] | null {
  const headers = passed.slice();
  let last = -1;
  let mentions = false;
  for (const [index, entry] of headers.entries()) {
    if (!Array.isArray(entry) || !isHeader(entry[0])) continue;
    last = index;
    mentions ||= mentionsTrace(entry[1]);
  }
  if (mentions) return passed.every(Array.isArray) ? addToList(flatPairs(passed), traceId, true) : null;
  if (last < 0) {
    headers.push([header, traceMember(traceId)]);
    return headers;
  }
  const [name, value] = headers[last] as [unknown, unknown]; // checked above
  const merged = withPair(value, traceId);
  headers[last] = [name, merged];
  return merged === null ? null : headers;
}

/** Node.js reads the first two entries of each pair. */
function flatPairs(pairs: readonly unknown[]): unknown[] {
  return (pairs as readonly unknown[][]).flatMap((pair) => [pair[0], pair[1]]);
}

/** The same for an object. `current` is the header that is set on the response. */
function addToObject(
  headers: Record<string, unknown>,
  current: HeadersSet[string] | undefined,
  traceId: string,
): unknown {
  let last: string | null = null;
  for (const key in headers) if (isHeader(key)) last = key;
  const before = last !== null ? headers[last] : current === undefined ? '' : current[1];
  const value = withPair(before, traceId);
  if (value === null) return null;
  headers[last ?? current?.[0] ?? header] = value;
  return headers;
}

/** A header value with the pair in it; null if it needs no change, or Node.js would not send it. */
function withPair(value: unknown, traceId: string): unknown {
  if (!mentionsTrace(value)) return appended(value, traceId);
  const members = new TraceMembers(traceId);
  const rest = members.clean(value, true);
  if (members.isRejected) return null;
  if (members.hasOwn) return members.isChanged ? rest : null;
  return appended(rest, traceId);
}

/** A header value with the pair added; null if Node.js would not send it. */
function appended(value: unknown, traceId: string): unknown {
  if (value === undefined || typeof value === 'symbol') return null;
  const pair = traceMember(traceId);
  if (Array.isArray(value)) return [...value, pair];
  if (typeof value !== 'string' && typeof value !== 'number') return [value, pair];
  return value === '' ? pair : `${value}, ${pair}`;
}

function flatList(passed: unknown): readonly unknown[] {
  if (!Array.isArray(passed)) return membersOf(passed);
  return Array.isArray(passed[0]) ? passed.flat() : passed;
}
