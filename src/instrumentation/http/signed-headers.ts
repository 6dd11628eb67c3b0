// Finds out whether the signature of a request covers a trace header, in the notations of cloud providers and of HTTP itself.
import { headerFamily, instanaFamily, w3cFamily } from '../../propagation/trace-headers.js';

/** Names of the headers that are signed, as a parameter: `SignedHeaders=a;b`, `AdditionalHeaders=a;b`, `headers="a b"`. */
const listParameter =
  /(?:^|[\s,;&])(?:signed-?headers|additional-?headers|headers|q-header-list)\s*=\s*("[^"]*"|[^,&"]*)/gi;
/** Baidu: version, access key, time, seconds, names, signature. */
const listInPath = /^\s*bce-auth-v\d+\/[^/]*\/[^/]*\/[^/]*\/([^/]*)\//i;
/** A component of RFC 9421 is a string at the start of a list or after a blank. Values of parameters follow an equals sign. */
const component = /[(\s]"([^"\\]*)"/g;
/** Headers whose whole value is the list, as that of Alibaba's API gateway. */
const listHeader = /sign(?:ed|ature)-?headers$/;
/** Parameters of presigned URLs: X-Amz-SignedHeaders, X-Goog-SignedHeaders, x-oss-additional-headers, q-header-list. */
const listInQuery = /(?:signed-?headers|additional-?headers|^q-header-list)$/;
const separators = /[;,\s"]+/;

/** Whether a header of this lower-case name and value is a signature that covers a trace header. */
export function coversTraceHeader(name: string, value: unknown): boolean {
  if (name === 'signature-input') return someMatch(component, text(value));
  if (name === 'signature' || name.endsWith('authorization')) {
    const signature = text(value);
    return someMatch(listParameter, signature) || namesTraceHeader(listInPath.exec(signature)?.[1] ?? '');
  }
  return listHeader.test(name) && namesTraceHeader(text(value));
}

/** Whether a path with query is presigned, and the signature covers a trace header. */
export function presignsTraceHeader(path: unknown): boolean {
  if (typeof path !== 'string') return false;
  const start = path.indexOf('?') + 1;
  if (start === 0) return false;
  for (const parameter of path.slice(start).split('&')) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    const name = decoded(parameter.slice(0, equals)).toLowerCase();
    const value = decoded(parameter.slice(equals + 1));
    if (listInQuery.test(name) ? namesTraceHeader(value) : coversTraceHeader(name, value)) return true;
  }
  return false;
}

function someMatch(pattern: RegExp, value: string): boolean {
  for (const match of value.matchAll(pattern)) if (namesTraceHeader(match[1] ?? '')) return true;
  return false;
}

/** Whether a list of header names has one that the sensor would add or replace. A `baggage` of the application is never replaced. */
function namesTraceHeader(list: string): boolean {
  return list.split(separators).some((name) => (headerFamily(name) & (instanaFamily | w3cFamily)) !== 0);
}

/** The values of a header that is sent several times are one list. */
function text(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** Decodes a part of a query; an invalid one as far as its separators. */
function decoded(part: string): string {
  const spaced = part.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replaceAll(/%3b/gi, ';').replaceAll(/%2c|%20/gi, ' ');
  }
}
