// Outgoing HTTP and HTTPS requests made with Node.js' own clients: an exit span each, and the trace headers.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { URL, urlToHttpOptions } from 'node:url';
import { httpPresets } from '../../config/activation.js';
import { headerFamily } from '../../propagation/trace-headers.js';
import type { SpanRecord } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';
import { valuesInList } from './captured-headers.js';
import type { OutgoingHeaders } from './exit-spans.js';
import { inPairs, mergeTraceHeaders } from './outgoing-headers.js';

type Options = Record<string, unknown>;
type Request = (this: unknown, ...args: unknown[]) => ClientRequest;

/** What is remembered of a request that is under way. */
class Call {
  readonly span: SpanRecord;
  response: IncomingMessage | null = null;
  destroyedByHost = false;

  constructor(span: SpanRecord) {
    this.span = span;
  }
}

const calls: PrivateField<Call> = makePrivateField();

function patchClient(exports: unknown, protocol: 'http:' | 'https:', tools: InstrumentationContext): Patched {
  const module = exports as { ClientRequest?: { prototype?: object } };
  const wrap = (original: HostFunction): HostFunction =>
    wrapRequest(original as Request, protocol, tools) as HostFunction;
  const undo = [wrapMethod(module, 'request', wrap), wrapMethod(module, 'get', wrap)];
  const prototype = module.ClientRequest?.prototype;
  if (prototype !== undefined) {
    undo.push(wrapMethod(prototype, 'emit', (emit) => requestEmit(emit, tools)));
    undo.push(wrapMethod(prototype, 'destroy', (destroy) => requestDestroy(destroy, tools)));
  }
  return { undo };
}

function wrapRequest(
  original: Request,
  protocol: 'http:' | 'https:',
  { exitSpans, errors, state }: InstrumentationContext,
): Request {
  const breaker = errors.breaker(`${protocol.slice(0, -1)} client`);
  function request(this: unknown, input?: unknown, options?: unknown, callback?: unknown): ClientRequest {
    let span: SpanRecord | null = null;
    let address: unknown; // what goes before our options
    let ours: Options | null = null;
    try {
      if (!breaker.isOpen && !state.isDisabled) {
        const parent = exitSpans.parent();
        const headers = parent === null ? exitSpans.headersWithoutSpan() : null;
        if (parent !== null || headers !== null) {
          const url = urlOf(input);
          let whole: URL | null = null;
          let all: Options | null = null; // for the span
          if (url !== null && typeof input !== 'function') ours = copyOf(url === undefined ? input : options);
          if (url === undefined || url === null || ours === null) {
            all = ours;
          } else if (saysAll(url, ours)) {
            whole = url;
            address = url;
          } else {
            address = input;
            all = Object.assign(urlToHttpOptions(url), ours);
            ours['headers'] = all['headers']; // the URL's own, where the application has added some to it
          }
          if (parent !== null) {
            if (whole !== null && ours !== null) span = beginAtAddress(exitSpans, parent, whole, ours, request);
            else span = beginExit(exitSpans, parent, all, input, protocol, request);
          }
        }
        if (ours !== null) addHeaders(exitSpans, ours, span === null ? headers : exitSpans.headers(span));
        if (span !== null && ours !== null && exitSpans.captures) captureRequest(exitSpans, span, ours);
      }
    } catch (error) {
      breaker.record(error);
      ours = null;
    }
    let result: ClientRequest;
    try {
      if (ours === null) {
        result = Reflect.apply(original, this, arguments);
      } else {
        const callBack = callbackOf(protocol, input, options, callback);
        result =
          address === undefined ? original.call(this, ours, callBack) : original.call(this, address, ours, callBack);
      }
    } catch (error) {
      if (span !== null) failQuietly(span, error);
      throw error;
    }
    if (span !== null) {
      try {
        calls.set(result, new Call(span));
      } catch (error) {
        breaker.record(error);
      }
    }
    return result;
  }
  function failQuietly(span: SpanRecord, error: unknown): void {
    try {
      exitSpans.fail(span, error);
    } catch (internalError) {
      breaker.record(internalError);
    }
  }
  return request;
}

/** Options that say where a call goes, in the place of its URL. */
const partsOfAddress = ['protocol', 'hostname', 'host', 'port', 'defaultPort', 'path', 'auth'];

/**
 * Whether a URL says all of where a call goes. Then Node.js is given the URL, with our copy of the options behind it, and puts them
 * together itself; what an application has added to a URL object counts as options, too.
 */
function saysAll(url: URL, options: Options): boolean {
  for (const name of partsOfAddress) if (name in options) return false;
  const { protocol, port } = url;
  if ((protocol !== 'http:' && protocol !== 'https:') || !isUrl(url)) return false;
  if (Object.getPrototypeOf(url) !== URL.prototype || Object.keys(url).length > 0) return false;
  const usual = protocol === 'https:' ? 443 : 80;
  const { defaultPort = usual } = (options['agent'] ?? {}) as { defaultPort?: unknown };
  return port !== '' || defaultPort === usual;
}

/** Our own copy of options, which a callback may stand in place of. */
function copyOf(options: unknown): Options {
  return Object.assign({}, typeof options === 'function' ? undefined : options);
}

/** The URL in first place; undefined when there is none, null when it cannot be parsed. */
function urlOf(input: unknown): URL | null | undefined {
  if (typeof input !== 'string') return isUrl(input) ? input : undefined;
  try {
    return new URL(input);
  } catch {
    return null;
  }
}

/** The test that Node.js itself applies, so that look-alikes are taken as it takes them. */
function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol, auth, path } = value as {
    href?: unknown;
    protocol?: unknown;
    auth?: unknown;
    path?: unknown;
  };
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

function callbackOf(protocol: string, input: unknown, options: unknown, callback: unknown): unknown {
  if (typeof options === 'function') return options;
  // https, unlike http, takes what follows a URL without options for the callback, and that is then not `callback`.
  if (protocol === 'https:' && !options) return undefined;
  return typeof input === 'string' || isUrl(input) ? callback : options;
}

function beginExit(
  exit: InstrumentationContext['exitSpans'],
  parent: SpanRecord,
  options: Options | null,
  input: unknown,
  protocol: string,
  below: (...args: never[]) => unknown,
): SpanRecord {
  if (options === null)
    return exit.begin(parent, 'GET', null, typeof input === 'string' ? input.slice(0, 4096) : '', below);
  const path = typeof options['path'] === 'string' && options['path'] !== '' ? options['path'] : '/';
  return exit.begin(parent, methodOf(options), originOf(options, protocol), path, below);
}

function beginAtAddress(
  exit: InstrumentationContext['exitSpans'],
  parent: SpanRecord,
  url: URL,
  options: Options,
  below: (...args: never[]) => unknown,
): SpanRecord {
  const { protocol, host, username, password, pathname, search } = url;
  const credentials = username === '' && password === '' ? '' : '<redacted>:<redacted>@';
  return exit.begin(parent, methodOf(options), `${protocol}//${credentials}${host}`, pathname + search, below);
}

function methodOf({ method }: Options): string {
  return typeof method === 'string' ? method.toUpperCase() : 'GET';
}

function originOf(options: Options, defaultProtocol: string): string {
  const { protocol: asked, hostname, host, auth } = options;
  const agent = options['agent'] as { protocol?: unknown; defaultPort?: unknown } | null | undefined;
  const protocol = text(asked) ?? text(agent?.protocol) ?? defaultProtocol;
  const name = (text(hostname) ?? text(host) ?? 'localhost').toLowerCase();
  const literal = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  const port = options['port'] ?? options['defaultPort'] ?? agent?.defaultPort;
  const usual = protocol === 'https:' ? 443 : 80;
  const shown = port === undefined || port === null || port === '' || Number(port) === usual ? '' : `:${port}`;
  return `${protocol}//${text(auth) === undefined ? '' : '<redacted>:<redacted>@'}${literal}${shown}`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Adds to the headers of our copy, in place of a trace context that the application only handed on; leaves one of its own. */
function addHeaders(exit: InstrumentationContext['exitSpans'], options: Options, added: OutgoingHeaders): void {
  if (added === null) return;
  const { headers } = options;
  if (Array.isArray(headers)) {
    const isList = !Array.isArray(headers[0]);
    // Node.js refuses a flat list of odd length, and shows it in its error.
    if (isList && headers.length % 2 !== 0) return;
    const merged = mergeTraceHeaders(isList ? inPairs(headers) : headers, added, exit);
    options['headers'] = isList
      ? [...merged.application.flat(), ...merged.added]
      : [...merged.application, ...inPairs(merged.added)];
    return;
  }
  let copy: Record<string, unknown> = { ...(headers as object | null | undefined) };
  let wanted = added;
  let families = 0;
  for (const name in copy) families |= headerFamily(name);
  if (families !== 0) {
    const merged = mergeTraceHeaders(Object.entries(copy), added, exit);
    copy = Object.fromEntries(merged.application);
    wanted = merged.added;
  }
  for (let index = 0; index < wanted.length; index += 2) copy[wanted[index] as string] = wanted[index + 1]; // inside the bounds
  options['headers'] = copy;
}

function captureRequest(exit: InstrumentationContext['exitSpans'], span: SpanRecord, { headers }: Options): void {
  if (typeof headers !== 'object' || headers === null) return;
  const list: readonly unknown[] = Array.isArray(headers)
    ? Array.isArray(headers[0])
      ? headers.flat()
      : headers
    : Object.entries(headers).flat();
  exit.capture(span, (name) => valuesInList(list, name));
}

/**
 * Follows a request through its own events without listening to them: a listener for `error` or `response` would change
 * what Node.js does when the application has none.
 */
function requestEmit(original: HostFunction, { exitSpans, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('end of an outgoing request');
  function emit(this: ClientRequest, event?: unknown, detail?: unknown): unknown {
    if (
      event === 'response' ||
      event === 'error' ||
      event === 'close' ||
      event === 'timeout' ||
      event === 'upgrade' ||
      event === 'connect'
    ) {
      try {
        const call = calls.get(this);
        if (call !== undefined) follow(exitSpans, call, this, event, detail);
      } catch (error) {
        breaker.record(error);
      }
    }
    return Reflect.apply(original, this, arguments);
  }
  return emit as HostFunction;
}

function follow(
  exit: InstrumentationContext['exitSpans'],
  call: Call,
  request: ClientRequest,
  event: string,
  detail: unknown,
): void {
  const { span } = call;
  if (span.isFinished || span.http === null) return;
  // Some were set on the request after it was made; a raw list of headers is known from its options only.
  if (exit.captures && event !== 'close') exit.capture(span, (name) => request.getHeader(name));
  switch (event) {
    case 'response':
    case 'upgrade':
    case 'connect': {
      const response = detail as IncomingMessage; // Node.js' own events
      exit.responded(span, response.statusCode ?? 0);
      if (exit.captures) exit.capture(span, (name) => response.headers[name]);
      if (event === 'response') call.response = response;
      else exit.end(span, true);
      return;
    }
    case 'timeout':
      span.http.timedOut = true;
      return;
    case 'error':
      exit.fail(span, abortReason(call, detail));
      return;
    default:
      closed(exit, call);
  }
}

/** A request that the application destroyed without a reason fails with a hang-up that nobody hung up. */
function abortReason(call: Call, error: unknown): unknown {
  const hungUp = (error as { code?: unknown } | null)?.code === 'ECONNRESET';
  return call.destroyedByHost && hungUp ? { name: 'AbortError' } : error;
}

function closed(exit: InstrumentationContext['exitSpans'], call: Call): void {
  const { span, response } = call;
  call.response = null;
  if (response === null) {
    exit.abandon(span, span.http?.timedOut === true ? 'Timeout exceeded' : 'Request aborted');
    exit.end(span, true);
    return;
  }
  if (!response.complete) {
    if (call.destroyedByHost || response.errored === null || response.errored === undefined) {
      if (span.http !== null) span.http.error ??= 'Request aborted';
    } else {
      exit.fail(span, response.errored);
      return;
    }
  }
  exit.end(span, response.readableEnded);
}

function requestDestroy(original: HostFunction, { errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('destroy of an outgoing request');
  function destroy(this: ClientRequest, reason?: unknown): unknown {
    try {
      const call = calls.get(this);
      if (call !== undefined && !this.destroyed && reason === undefined) call.destroyedByHost = true;
    } catch (error) {
      breaker.record(error);
    }
    return Reflect.apply(original, this, arguments);
  }
  return destroy as HostFunction;
}

export const httpClient: Instrumentation = {
  name: 'http',
  presets: httpPresets,
  module: 'http',
  patch: (exports, tools) => patchClient(exports, 'http:', tools),
};

export const httpsClient: Instrumentation = {
  name: 'https',
  presets: httpPresets,
  module: 'https',
  patch: (exports, tools) => patchClient(exports, 'https:', tools),
};
