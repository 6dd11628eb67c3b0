// A span as OTLP/JSON, by OpenTelemetry's semantic conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
import { plainJson, quote } from '../core/plain-json.js';
import { TextCache } from '../core/text-cache.js';
import type { StackFrame } from '../protocol/wire-span.js';
import { boundedJson } from '../redaction/bounded-json.js';
import type { Redactor } from '../redaction/redactor.js';
import { type EncodeContext, isFrames } from '../spans/instana-json.js';
import { isPlainPath, plainUrlJson, redactedHeaders, redactedQuery, redactedUrl } from '../spans/redacted-http.js';
import type { CapturedStack, HttpAttributes, SpanRecord } from '../spans/span.js';
import type { SpanSerializer } from '../spans/span-queue.js';
import { AttributeList } from './attribute-list.js';
import { errorType, exceptionEvent, logEvents, nanoseconds } from './exceptions.js';

/** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
export type OtlpSpanKind = 1 | 2 | 3 | 4 | 5;

/** Members of an object, as `JSON.parse` gives them. */
type Members = Readonly<Record<string, unknown>>;

const errorStatus = 2;
/** Flags of a span: sampled; it is known whether its parent is remote; it is (https://github.com/open-telemetry/opentelemetry-proto). */
const sampledFlag = 1;
const knowsParentFlag = 0x100;
const remoteParentFlag = 0x200;

const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);
const zeros = '0'.repeat(16);
/** How far the two clocks may be apart before the system's time counts as changed since the process started. */
const toleranceMs = 2;
const noMembers: Members = Object.freeze({});
const { parse } = JSON;

/** JSON of texts that recur, for one encode context. */
interface Caches {
  readonly context: EncodeContext;
  /** Address attributes by the host of an entry, and by the origin of an exit. */
  readonly hosts: TextCache;
  readonly origins: TextCache;
}

/** Serialises spans for an OTLP receiver. */
export class OtlpSpanSerializer implements SpanSerializer {
  readonly #serviceName: () => string | null;
  #caches: Caches | null = null;

  /** `serviceName` gives the configured name of the service; null without one. */
  constructor(serviceName: () => string | null) {
    this.#serviceName = serviceName;
  }

  /** JSON of the configured service name; empty for the name that the resource has anyway. */
  resourceKey(): string {
    const service = this.#serviceName();
    return service === null ? '' : plainJson(service);
  }

  /** The JSON of one span. What is secret in it is redacted as for the agent. */
  serialize(span: SpanRecord, context: EncodeContext): string {
    if (this.#caches?.context !== context) this.#caches = makeCaches(context);
    const caches = this.#caches;
    const { http, sdk, w3c } = span;
    const section = readSection(span, context);
    const tags = sdk === null ? noMembers : readMembers(boundedJson(sdk.tags, undefined, context.tagRedactor));
    const error = errorOf(span, section, tags, context.redactor);
    const stack = stackText(span.stack, context);
    const startMs = exactStart(span);
    const endMs = startMs + span.durationMs;
    const logs =
      sdk === null || sdk.logs === null
        ? null
        : logEvents(readMembers(boundedJson(sdk.logs, undefined, context.logRedactor)), endMs, stack);
    const hasEvent = error !== null && logs?.hasException !== true;

    const attributes = new AttributeList();
    if (http !== null) addHttp(attributes, http, span.kind === 1, error, caches);
    else if (error !== null) attributes.addText('error.type', quote(errorType(error)));
    if (section !== noMembers) addSection(attributes, sdk?.section?.name ?? '', section);
    if (tags !== noMembers) attributes.addAll(tags);
    addInstana(attributes, span);
    if (error === null && stack !== '') attributes.add('code.stacktrace', stack);

    // The trace id that all spans of a request know comes first, so that they agree.
    const traceId = otlpTraceId(span.traceId, w3c?.traceId ?? span.longTraceId);
    let text = `{"traceId":"${traceId}","spanId":"${span.spanId}"`;
    if (w3c !== null && w3c.tracestate !== '') text += `,"traceState":${quote(w3c.tracestate)}`;
    if (span.parentId !== null) text += `,"parentSpanId":"${span.parentId}"`;
    text += `,"flags":${flagsOf(span)},"name":${context.quoted.get(nameOf(span, context.redactor))},"kind":${kindOf(span)}`;
    text += `,"startTimeUnixNano":"${nanoseconds(startMs)}","endTimeUnixNano":"${nanoseconds(endMs)}","attributes":[${attributes}]`;
    const events = hasEvent ? joined(logs?.json ?? '', exceptionEvent(error, stack, endMs)) : (logs?.json ?? '');
    if (events !== '') text += `,"events":[${events}]`;
    text += linksJson(span, traceId);
    if (isError(span)) text += `,"status":{"code":${errorStatus}${error === null ? '' : `,"message":${quote(error)}`}}`;
    return `${text}}`;
  }
}

/** The 32 digits of a trace: those that it came with if its own id is their second half, else its own id after zeros. */
export function otlpTraceId(traceId: string, longTraceId: string | null): string {
  if (longTraceId !== null && longTraceId.length === 32 && longTraceId.endsWith(traceId)) return longTraceId;
  return zeros + traceId;
}

function makeCaches(context: EncodeContext): Caches {
  const { redactor } = context;
  return {
    context,
    hosts: new TextCache((host) => addressJson(redactor.redactHost(host), null), 1000, 200),
    origins: new TextCache((origin) => clientAddressJson(`${redactor.redactHost(origin)}/`), 1000, 200),
  };
}

/** Bounded JSON of values of the application, in which nothing is secret any more. */
function readMembers(json: string): Members {
  return json === '{}' ? noMembers : (parse(json) as Members); // an object was written
}

function readSection({ sdk }: SpanRecord, { logRedactor }: EncodeContext): Members {
  if (sdk === null || sdk.section === null) return noMembers;
  return readMembers(boundedJson(sdk.section.attributes, undefined, logRedactor));
}

function joined(first: string, second: string): string {
  return first === '' ? second : `${first},${second}`;
}

function addHttp(
  attributes: AttributeList,
  http: HttpAttributes,
  isServer: boolean,
  error: string | null,
  caches: Caches,
): void {
  const { method, status, template } = http;
  const { quoted, redactor } = caches.context;
  if (method !== '') {
    const isKnown = knownMethods.has(method);
    attributes.addText('http.request.method', isKnown ? quoted.get(method) : '"_OTHER"');
    if (!isKnown) attributes.addText('http.request.method_original', quoted.get(method));
  }
  if (isServer) addServer(attributes, http, caches);
  else addClient(attributes, http, caches);
  if (template !== null) attributes.addText(isServer ? 'http.route' : 'url.template', quoted.get(template));
  // Listeners that the application wraps may have responses of its own making.
  if (status !== 0) attributes.addValue('http.response.status_code', status);
  if (isErrorStatus(status, isServer)) attributes.addText('error.type', quote(`${status}`));
  else if (error !== null) attributes.addText('error.type', quote(errorType(error)));
  if (http.headers === null) return;
  // The record does not distinguish headers of the response from those of the request.
  const headers = readMembers(boundedJson(redactedHeaders(http.headers, redactor)));
  for (const name of Object.keys(headers)) attributes.add(`http.request.header.${name}`, [headers[name]]);
}

function addServer(attributes: AttributeList, http: HttpAttributes, { context, hosts }: Caches): void {
  const { redactor } = context;
  if (isPlainPath(http.url)) {
    if (http.scheme !== null) attributes.addText('url.scheme', `"${http.scheme}"`);
    attributes.addText('url.path', `"${http.url}"`);
    if (http.host !== null) attributes.addFragment(hosts.get(http.host));
    return;
  }
  const { scheme, authority, path } = splitUrl(redactedUrl(http, true, redactor));
  const query = redactedQuery(http, redactor);
  if (http.scheme !== null || scheme !== null) attributes.addText('url.scheme', quote(http.scheme ?? scheme ?? ''));
  if (path !== '') attributes.addText('url.path', quote(path));
  if (query !== undefined) attributes.addText('url.query', quote(query));
  attributes.addFragment(http.host === null ? addressJson(authority, null) : hosts.get(http.host));
}

function addClient(attributes: AttributeList, http: HttpAttributes, { context, origins }: Caches): void {
  const { redactor, hosts } = context;
  if (isPlainPath(http.url)) {
    const origin = http.host ?? '';
    attributes.addText('url.full', plainUrlJson(origin, http.url, hosts));
    attributes.addFragment(origins.get(origin));
    return;
  }
  const url = redactedUrl(http, false, redactor);
  const query = redactedQuery(http, redactor);
  if (url !== '') attributes.addText('url.full', quote(query === undefined ? url : `${url}?${query}`));
  attributes.addFragment(clientAddressJson(url));
}

/** Host and port of a URL, with the port of the scheme where none is given. */
function clientAddressJson(url: string): string {
  const { scheme, authority } = splitUrl(url);
  return addressJson(authority, scheme === 'https' ? 443 : scheme === 'http' ? 80 : null);
}

/** Attributes for host and port of `host:port`, `[::1]:port`, also with a user before them; empty without a host. */
function addressJson(authority: string, defaultPort: number | null): string {
  const match = /^(?:.*@)?(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  const attributes = new AttributeList();
  if (host !== '') attributes.addText('server.address', quote(host));
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (host !== '' && port !== null) attributes.addInteger('server.port', port);
  return attributes.toString();
}

function splitUrl(url: string): { readonly scheme: string | null; readonly authority: string; readonly path: string } {
  const match = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([^?#]*)/i.exec(url);
  if (match === null) return { scheme: null, authority: '', path: url };
  return { scheme: match[1]?.toLowerCase() ?? null, authority: match[2] ?? '', path: match[3] || '/' };
}

/** Members of a section besides `http`, by its name; the text of an error has a place of its own. */
function addSection(attributes: AttributeList, name: string, section: Members): void {
  for (const member of Object.keys(section)) {
    if (member !== 'error') attributes.add(`${name}.${member}`, section[member]);
  }
}

/** Adds attributes that only Instana has. */
function addInstana(attributes: AttributeList, { synthetic, correlationType, correlationId }: SpanRecord): void {
  if (synthetic) attributes.add('instana.synthetic', true);
  if (correlationType === null || correlationId === null) return;
  attributes.add('instana.correlation.type', correlationType);
  attributes.add('instana.correlation.id', correlationId);
}

function nameOf({ name, http, sdk }: SpanRecord, redactor: Redactor): string {
  if (http === null) return sdk === null || sdk.name === null ? name : redactor.redactTag('', sdk.name);
  const method = knownMethods.has(http.method) ? http.method : 'HTTP';
  return http.template === null ? method : `${method} ${http.template}`;
}

/** A manual span without a kind is internal work of the application. */
function kindOf({ name, kind, otlpKind }: SpanRecord): OtlpSpanKind {
  if (otlpKind !== 0) return otlpKind;
  if (name === 'sdk') return 1;
  return kind === 1 ? 2 : kind === 2 ? 3 : 1;
}

/** The start by the clock that measures durations, so that a child does not end after its parent; unless the system's time was set since. */
function exactStart({ startMs, startTick }: SpanRecord): number {
  const exact = performance.timeOrigin + startTick;
  return Math.abs(exact - startMs) <= toleranceMs ? exact : startMs;
}

/** A status of 4xx is an error of the caller; `errorCount` may say that others are, too. */
function isError({ errorCount, kind, http }: SpanRecord): boolean {
  return errorCount > 0 || (http !== null && isErrorStatus(http.status, kind === 1));
}

function isErrorStatus(status: number, isServer: boolean): boolean {
  return status >= (isServer ? 500 : 400);
}

/** The text of the error; null without one. */
function errorOf({ errorCount, http }: SpanRecord, section: Members, tags: Members, redactor: Redactor): string | null {
  if (http !== null && http.error !== null && http.error !== '') return redactor.redactText(http.error);
  const inSection = section['error'];
  if (typeof inSection === 'string' && inSection !== '') return inSection;
  const message = tags['message'];
  return errorCount > 0 && typeof message === 'string' && message !== '' ? message : null;
}

/** The stack as Node.js writes it, without the error's own line; empty without frames. */
function stackText(stack: readonly StackFrame[] | CapturedStack | null, context: EncodeContext): string {
  const { stackTraceLength, stacks, redactor } = context;
  if (stack === null || stackTraceLength === 0) return '';
  if (!isFrames(stack)) return stacks.text(stack);
  const lines = stack.slice(0, stackTraceLength).map(({ m, c, n }) => {
    const file = c === undefined ? '' : redactor.redactTag('', c);
    return `    at ${redactor.redactText(m)} (${file}${n === undefined ? '' : `:${n}`})`;
  });
  return lines.join('\n');
}

/** A link to the nearest ancestor that a sensor of Instana has seen, where spans of other vendors lie between; empty otherwise. */
function linksJson({ fromTraceparent, w3c, parentId }: SpanRecord, traceId: string): string {
  if (!fromTraceparent || w3c === null || w3c.ancestorTraceId === null || w3c.ancestorSpanId === parentId) return '';
  const { ancestorTraceId, ancestorSpanId } = w3c;
  // The spans of one trace have been sent with one id.
  const id = traceId.endsWith(ancestorTraceId) ? traceId : ancestorTraceId.padStart(32, '0');
  const attributes = new AttributeList();
  attributes.addText('instana.link', '"ancestor"');
  return `,"links":[{"traceId":"${id}","spanId":"${ancestorSpanId}","attributes":[${attributes}]}]`;
}

/** Where the parent of a manual span is remains unknown. */
function flagsOf({ parentId, name, kind }: SpanRecord): number {
  if (name === 'sdk') return sampledFlag;
  return sampledFlag | knowsParentFlag | (kind === 1 && parentId !== null ? remoteParentFlag : 0);
}
