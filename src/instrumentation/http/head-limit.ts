// Keeps the head of a call within what most servers accept: members of forwarded `baggage` and `tracestate` are left out if needed.
import { baggageHeader } from '../../propagation/baggage.js';
import { tracestateHeader } from '../../propagation/tracestate.js';

/** Where a call goes. Members are read only if they matter. */
export interface CallTarget {
  readonly method?: unknown;
  /** Path and query. */
  readonly path?: unknown;
  /** Scheme, host and port. */
  readonly origin?: unknown;
  /** The length of the `Authorization` that Node.js adds. */
  readonly credentialsLength?: number;
}

/** The limit of common servers and proxies for request line and headers together, in bytes. */
const maxHeadLength = 8192;
/**
 * The values of our own headers have 124 characters. Up to this sum the head is not measured, so some 130 forwarded characters are
 * always sent.
 */
const maxUncheckedLength = 256;
const instanaMember = /^[ \t]*in=/i;
/** Methods for which Node.js adds no `Transfer-Encoding`. */
const withoutBody: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
const connectionLength = 'Connection: keep-alive\r\n'.length;
const encodingLength = 'Transfer-Encoding: chunked\r\n'.length;
const requestLineLength = '  HTTP/1.1\r\n'.length;
const hostLength = 'Host: \r\n'.length;
const separatorsLength = ': \r\n'.length;
const endLength = '\r\n'.length;

/** Whether trace headers have forwarded text of notable length. */
export function forwardsMuch(added: readonly string[]): boolean {
  let length = 0;
  for (let index = 1; index < added.length; index += 2) length += (added[index] as string).length; // inside the bounds
  return length > maxUncheckedLength;
}

/**
 * Returns the trace headers that fit into the head of a call together with the headers of the application. If all do not fit, members
 * of `baggage` are left out from the end, and if none is left, those of other vendors in `tracestate`.
 */
export function fitIntoHead(
  added: readonly string[],
  application: readonly (readonly [name: unknown, value: unknown])[],
  target: CallTarget,
): readonly string[] {
  if (!forwardsMuch(added)) return added;
  const rest = maxHeadLength - lengthWithout(application, target);
  const excess = lengthOfFlat(added) - rest;
  if (excess <= 0) return added;
  const fitting = changed(added, baggageHeader, (baggage) => shortened(baggage, excess));
  const excessLeft = lengthOfFlat(fitting) - rest;
  if (excessLeft <= 0) return fitting;
  return changed(fitting, tracestateHeader, (tracestate) => shortenedTracestate(tracestate, excessLeft));
}

/**
 * The bytes of a head without our headers: the request line, the headers of the application, and those that Node.js adds. The latter
 * are estimated: Host unless the application sets it, Connection, and Transfer-Encoding if there may be a body. An application that
 * sets them itself may have up to 52 bytes less. Headers that it sets after the request was made are not known here.
 */
function lengthWithout(application: readonly (readonly [unknown, unknown])[], target: CallTarget): number {
  const { method, path, origin, credentialsLength = 0 } = target;
  let length = requestLineLength + String(method ?? 'GET').length + String(path ?? '/').length;
  let hasHost = false;
  for (const pair of application) {
    if (!Array.isArray(pair)) continue; // Node.js rejects it
    const [name, value] = pair as readonly [unknown, unknown];
    if (typeof name !== 'string') continue;
    hasHost ||= name.length === 4 && name.toLowerCase() === 'host';
    length += linesLength(name, value);
  }
  if (!hasHost) length += hostLength + authority(String(origin ?? '')).length;
  if (!withoutBody.has(method)) length += encodingLength;
  return length + connectionLength + credentialsLength + endLength;
}

/** Each item of an array is a header line. Objects are not read, because that would call the application. */
function linesLength(name: string, value: unknown): number {
  if (!Array.isArray(value)) return name.length + textLength(value) + separatorsLength;
  let length = 0;
  for (const item of value) length += name.length + textLength(item) + separatorsLength;
  return length;
}

function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'number' ? String(value).length : 0;
}

function lengthOfFlat(headers: readonly string[]): number {
  let length = 0;
  for (const text of headers) length += text.length;
  return length + (headers.length / 2) * separatorsLength;
}

/** A copy of the headers with another value for one of them, which is left out if the value is empty. */
function changed(headers: readonly string[], header: string, change: (value: string) => string): readonly string[] {
  const copy: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string; // inside the bounds
    const before = headers[index + 1] as string;
    const value = name === header ? change(before) : before;
    if (value !== '') copy.push(name, value);
  }
  return copy;
}

/** A list without so many members at its end that it has at least `excess` characters less. */
function shortened(list: string, excess: number): string {
  const length = list.length - excess;
  return length < 0 ? '' : list.slice(0, Math.max(0, list.lastIndexOf(',', length))).trimEnd();
}

/** The same, but Instana's own member stays. */
function shortenedTracestate(list: string, excess: number): string {
  const own = list.split(',').find((member) => instanaMember.test(member)) ?? '';
  const rest = shortened(list, excess);
  return own === '' || rest.split(',').includes(own) ? rest : own.trim();
}

/** Host and port of an origin, without credentials. */
function authority(origin: string): string {
  return origin.slice(Math.max(origin.indexOf('//') + 2, origin.lastIndexOf('@') + 1));
}
