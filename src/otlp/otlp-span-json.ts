// A span as OTLP/JSON, by OpenTelemetry's semantic conventions for HTTP: made of its wire form, in which nothing is secret any more.
import { plainJson } from '../core/plain-json.js';
import type { StackFrame, WireHttp, WireSdk, WireSpan } from '../protocol/wire-span.js';

/** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
export type OtlpSpanKind = 1 | 2 | 3 | 4 | 5;

/** What the wire form does not have, or not as exactly. */
export interface OtlpSpanInput {
  /** 32 digits. */
  readonly traceId: string;
  /** Milliseconds since the epoch, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly kind: OtlpSpanKind;
  /** How a request came, where it is known. */
  readonly scheme: 'http' | 'https' | null;
  /** Empty without one. */
  readonly tracestate: string;
}

type AttributeValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AttributeValue[] } };

interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

interface OtlpEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

const errorStatus = 2;
/** Flags of a span: sampled; it is known whether its parent is remote; it is (https://github.com/open-telemetry/opentelemetry-proto). */
const sampledFlag = 1;
const knowsParentFlag = 0x100;
const remoteParentFlag = 0x200;

const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);
/** What 64 bits hold as nanoseconds. */
const latestMs = 18_446_744_073_709;
const nothing = '0'.repeat(16);
const { isArray } = Array;
const { parse } = JSON;

/** The JSON of one span. `json` is what the agent would get, without its braces. */
export function otlpSpan(json: string, input: OtlpSpanInput): string {
  const span = parse(`{${json}}`) as WireSpan; // our own
  const { http, sdk } = span.data;
  const attributes = new Attributes();
  const isServer = span.k === 1;
  const endMs = input.startMs + input.durationMs;
  const error = errorOf(span);
  if (http !== undefined) addHttp(attributes, http, isServer, input.scheme, error);
  else if (error !== null) attributes.add('error.type', errorType(error));
  addSections(attributes, span.data);
  if (sdk !== undefined) attributes.addAll(sdk.custom?.tags ?? {});
  if (span.sy === true) attributes.add('instana.synthetic', true);
  if (span.crtp !== undefined) attributes.add('instana.correlation.type', span.crtp);
  if (span.crid !== undefined) attributes.add('instana.correlation.id', span.crid);
  const events = eventsOf(sdk, endMs, span.stack ?? []);
  if (error !== null && !events.some(({ name }) => name === 'exception'))
    events.push(exceptionEvent(error, span.stack ?? [], endMs));
  else if (error === null && span.stack !== undefined && span.stack.length > 0)
    attributes.add('code.stacktrace', stackText(span.stack));
  return plainJson({
    traceId: input.traceId,
    spanId: span.s,
    traceState: input.tracestate === '' ? undefined : input.tracestate,
    parentSpanId: span.p,
    flags: flagsOf(span),
    name: nameOf(span),
    kind: input.kind,
    startTimeUnixNano: nanoseconds(input.startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributes.list,
    events: events.length === 0 ? undefined : events,
    links: linksOf(span, input.traceId),
    status: isError(span) ? { code: errorStatus, message: error ?? undefined } : undefined,
  });
}

/** Each key once: what is known of the protocol is added first, and wins against tags of the application. */
class Attributes {
  readonly list: Attribute[] = [];
  readonly #keys: Set<string> = new Set();

  add(key: string, value: unknown): void {
    const shown = attributeValue(value);
    if (shown === null || key === '' || this.#keys.has(key)) return;
    this.#keys.add(key);
    this.list.push({ key, value: shown });
  }

  addAll(members: Readonly<Record<string, unknown>>): void {
    for (const key of Object.keys(members)) this.add(key, members[key]);
  }
}

/** Null for what is nothing. Objects, and lists of anything else than values of one kind, are shown as JSON. */
function attributeValue(value: unknown): AttributeValue | null {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (!isArray(value) || !isUniform(value)) return { stringValue: plainJson(value) };
  const values: AttributeValue[] = [];
  for (const entry of value) {
    const shown = attributeValue(entry);
    if (shown !== null) values.push(shown);
  }
  return { arrayValue: { values } };
}

function isUniform(list: readonly unknown[]): boolean {
  const [first] = list;
  return typeof first !== 'object' && list.every((entry) => typeof entry === typeof first);
}

function addHttp(
  attributes: Attributes,
  http: WireHttp,
  isServer: boolean,
  scheme: 'http' | 'https' | null,
  error: string | null,
): void {
  const method = http.method ?? '';
  if (method !== '') {
    attributes.add('http.request.method', knownMethods.has(method) ? method : '_OTHER');
    if (!knownMethods.has(method)) attributes.add('http.request.method_original', method);
  }
  if (isServer) addServer(attributes, http, scheme);
  else addClient(attributes, http);
  if (http.path_tpl !== undefined) attributes.add(isServer ? 'http.route' : 'url.template', http.path_tpl);
  attributes.add('http.response.status_code', http.status);
  const minErrorStatus = isServer ? 500 : 400;
  if (http.status !== undefined && http.status >= minErrorStatus) attributes.add('error.type', String(http.status));
  else if (error !== null) attributes.add('error.type', errorType(error));
  // The wire form does not tell headers of the response from those of the request.
  for (const [name, value] of Object.entries(http.header ?? {})) attributes.add(`http.request.header.${name}`, [value]);
}

function addServer(attributes: Attributes, http: WireHttp, scheme: 'http' | 'https' | null): void {
  const address = splitUrl(http.url ?? '');
  attributes.add('url.scheme', scheme ?? address.scheme ?? undefined);
  if (address.path !== '') attributes.add('url.path', address.path);
  attributes.add('url.query', http.params);
  addAddress(attributes, http.host ?? address.authority, null);
}

function addClient(attributes: Attributes, http: WireHttp): void {
  const url = http.url ?? '';
  const { scheme, authority } = splitUrl(url);
  if (url !== '') attributes.add('url.full', http.params === undefined ? url : `${url}?${http.params}`);
  addAddress(attributes, authority, scheme === 'https' ? 443 : scheme === 'http' ? 80 : null);
}

/** Host and port of `host:port`, `[::1]:port`, and of what has a user in front. */
function addAddress(attributes: Attributes, authority: string, usualPort: number | null): void {
  const match = /^(?:.*@)?(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  if (host === '') return;
  attributes.add('server.address', host);
  attributes.add('server.port', match?.[2] === undefined ? usualPort : Number(match[2]));
}

function splitUrl(url: string): { readonly scheme: string | null; readonly authority: string; readonly path: string } {
  const match = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([^?#]*)/i.exec(url);
  if (match === null) return { scheme: null, authority: '', path: url };
  return { scheme: match[1]?.toLowerCase() ?? null, authority: match[2] ?? '', path: match[3] || '/' };
}

/** Members of sections besides `http` and `sdk`, by their names; the text of an error has a place of its own. */
function addSections(attributes: Attributes, data: WireSpan['data']): void {
  for (const [section, members] of Object.entries(data)) {
    if (section === 'http' || section === 'sdk' || typeof members !== 'object' || members === null) continue;
    for (const [name, value] of Object.entries(members)) {
      if (name !== 'error') attributes.add(`${section}.${name}`, value);
    }
  }
}

function nameOf({ n, data: { http, sdk } }: WireSpan): string {
  if (http === undefined) return sdk?.name ?? n;
  const method = http.method ?? '';
  const shown = knownMethods.has(method) ? method : 'HTTP';
  return http.path_tpl === undefined ? shown : `${shown} ${http.path_tpl}`;
}

/** A status of 4xx is an error of who asks; `ec` may say so of others, too. */
function isError({ ec, k, data: { http } }: WireSpan): boolean {
  return ec > 0 || (http?.status !== undefined && http.status >= (k === 1 ? 500 : 400));
}

/** The text of the error, null when there is none. */
function errorOf({ ec, data }: WireSpan): string | null {
  for (const section of Object.keys(data)) {
    const error = (Object(data[section]) as { error?: unknown }).error;
    if (section !== 'sdk' && typeof error === 'string' && error !== '') return error;
  }
  const message = data.sdk?.custom?.tags?.['message'];
  return ec > 0 && typeof message === 'string' && message !== '' ? message : null;
}

/** Of few different values: the code of a system error, else the name in `Name: message`. */
function errorType(error: string): string {
  const code = /\b(?:E[A-Z]{3,20}\d{0,2}|(?:ERR|UND_ERR|CERT)_[A-Z_]{2,60})\b/.exec(error)?.[0];
  if (code !== undefined && code !== 'ERROR') return code;
  if (error.startsWith('Timeout exceeded')) return 'timeout';
  return exceptionType(error) ?? '_OTHER';
}

function exceptionType(error: string): string | null {
  return /^([A-Za-z_$][\w$.]{0,99})(?::|$)/.exec(error)?.[1] ?? null;
}

function exceptionEvent(error: string, stack: readonly StackFrame[], timeMs: number): OtlpEvent {
  const attributes = new Attributes();
  const type = exceptionType(error);
  if (type !== null) attributes.add('exception.type', type);
  attributes.add('exception.message', type === null ? error : error.slice(type.length + 1).trim());
  if (stack.length > 0) attributes.add('exception.stacktrace', `${error}\n${stackText(stack)}`);
  return { timeUnixNano: nanoseconds(timeMs), name: 'exception', attributes: attributes.list };
}

/** As Node.js writes it. */
function stackText(stack: readonly StackFrame[]): string {
  return stack.map(({ m, c = '', n }) => `    at ${m} (${c}${n === undefined ? '' : `:${n}`})`).join('\n');
}

const exceptionKeys: Readonly<Record<string, string>> = {
  'error.kind': 'exception.type',
  message: 'exception.message',
  stack: 'exception.stacktrace',
};

/** Logs by their time; those with `event: 'error'` are exceptions. */
function eventsOf(sdk: WireSdk | undefined, endMs: number, stack: readonly StackFrame[]): OtlpEvent[] {
  const logs = sdk?.custom?.logs ?? {};
  const events: OtlpEvent[] = [];
  for (const [time, fields] of Object.entries(logs)) {
    const { event, ...others } = Object(fields) as Record<string, unknown>;
    const timeMs = Number.isFinite(Number(time)) ? Number(time) : endMs;
    if (event === 'error') {
      events.push(loggedException(others, stack, timeMs));
      continue;
    }
    const attributes = new Attributes();
    attributes.addAll(others);
    const name = typeof event === 'string' && event !== '' ? event : 'log';
    events.push({ timeUnixNano: nanoseconds(timeMs), name, attributes: attributes.list });
  }
  return events;
}

function loggedException(
  fields: Readonly<Record<string, unknown>>,
  stack: readonly StackFrame[],
  timeMs: number,
): OtlpEvent {
  const attributes = new Attributes();
  for (const [key, value] of Object.entries(fields)) attributes.add(exceptionKeys[key] ?? key, value);
  const object = fields['error.object'];
  if (typeof object === 'string') {
    const type = exceptionType(object);
    if (type !== null) attributes.add('exception.type', type);
    attributes.add('exception.message', type === null ? object : object.slice(type.length + 1).trim());
  }
  if (stack.length > 0) attributes.add('exception.stacktrace', stackText(stack));
  return { timeUnixNano: nanoseconds(timeMs), name: 'exception', attributes: attributes.list };
}

/** The nearest ancestor that a sensor of Instana has seen, where spans of others are in between. */
function linksOf({ p, ia }: WireSpan, traceId: string): object[] | undefined {
  if (ia === undefined || ia.p === p) return undefined;
  return [
    {
      // Of the same trace it has been sent with the same id.
      traceId: traceId.endsWith(ia.t) ? traceId : ia.t.padStart(32, '0'),
      spanId: ia.p,
      attributes: [{ key: 'instana.link', value: { stringValue: 'ancestor' } }],
    },
  ];
}

/** Of spans by hand it is not known where their parent is. */
function flagsOf({ p, n, k }: WireSpan): number {
  if (n === 'sdk') return sampledFlag;
  return sampledFlag | knowsParentFlag | (k === 1 && p !== undefined ? remoteParentFlag : 0);
}

/**
 * Microseconds are what a double can hold of a time since the epoch. An application may give any time; one that 64 bits cannot hold would
 * have a receiver refuse all that is sent with it.
 */
function nanoseconds(ms: number): string {
  const micros = Math.round(Math.min(Math.max(ms, 0), latestMs) * 1000);
  return micros === 0 ? '0' : `${micros}000`;
}

/** The 32 digits of a trace: those that it came with when its own are the last 16 of them, else its own behind zeros. */
export function otlpTraceId(traceId: string, longTraceId: string | null): string {
  if (longTraceId !== null && longTraceId.length === 32 && longTraceId.endsWith(traceId)) return longTraceId;
  return nothing + traceId;
}
