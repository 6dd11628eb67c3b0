// Outgoing HTTP and HTTPS requests of Node.js' own clients: an exit span each, and the trace headers.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { httpPresets } from '../../config/presets.js';
import type { CircuitBreaker } from '../../core/internal-errors.js';
import { headerFamily } from '../../propagation/trace-headers.js';
import type { ActiveSpan } from '../../spans/active-span.js';
import type { SpanRecord } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { type HostFunction, type Original, wrapInherited, wrapMethod } from '../wrap-method.js';
import { valuesInList } from './captured-headers.js';
import { ClientCall, clientCalls, isOutsideCall } from './client-call.js';
import type { HttpExitSpans, OutgoingHeaders } from './exit-spans.js';
import { forwardsMuch } from './head-limit.js';
import { inPairs, mergeTraceHeaders } from './outgoing-headers.js';
import { type Protocol, parseArguments, type RequestArguments, type RequestOptions } from './request-arguments.js';
import { hasReader } from './transfer-progress.js';

type Request = (this: unknown, ...args: unknown[]) => ClientRequest;

function patchClient(exports: unknown, protocol: Protocol, context: InstrumentationContext): Patched {
  const module = exports as { ClientRequest?: { prototype?: object } };
  const wrap = (original: HostFunction): HostFunction =>
    wrapRequest(original as Request, protocol, context) as HostFunction;
  const undo = [wrapMethod(module, 'request', wrap), wrapMethod(module, 'get', wrap)];
  const prototype = module.ClientRequest?.prototype;
  if (prototype !== undefined) {
    undo.push(wrapInherited(prototype, 'emit', (emit) => requestEmit(emit, context)));
    undo.push(wrapMethod(prototype, 'destroy', (destroy) => requestDestroy(destroy, context)));
  }
  return { undo };
}

function wrapRequest(
  original: Request,
  protocol: Protocol,
  { exitSpans, activeSpan, errors, state }: InstrumentationContext,
): Request {
  const breaker = errors.breaker(`${protocol.slice(0, -1)} client`);
  function request(this: unknown, input?: unknown, options?: unknown, callback?: unknown): ClientRequest {
    let span: SpanRecord | null = null;
    let args: RequestArguments | null = null;
    try {
      if (!breaker.isOpen && !state.isDisabled) {
        const parent = exitSpans.parent();
        const headers = parent === null ? exitSpans.headersWithoutSpan() : null;
        if (parent !== null || headers !== null) args = parseArguments(input, options, callback, protocol);
        if (parent !== null && args !== null)
          span = exitSpans.begin(parent, args.method, args.origin, args.path, request);
        if (args !== null && args.options !== null) prepareOptions(exitSpans, args, args.options, span, headers);
      }
    } catch (error) {
      breaker.record(error);
      args = null;
    }
    let result: ClientRequest;
    try {
      if (args === null || args.options === null) result = Reflect.apply(original, this, arguments);
      else if (args.address === undefined) result = original.call(this, args.options, args.callback);
      else result = original.call(this, args.address, args.options, args.callback);
    } catch (error) {
      if (span !== null) failQuietly(exitSpans, breaker, span, error);
      throw error;
    }
    if (span !== null || (!breaker.isOpen && !state.isDisabled)) follow(breaker, result, span, activeSpan);
    return result;
  }
  return request;
}

/** Adds the trace headers to our copy of the options. `headers` are those of a call without a span. */
function prepareOptions(
  exitSpans: HttpExitSpans,
  args: RequestArguments,
  options: RequestOptions,
  span: SpanRecord | null,
  headers: OutgoingHeaders,
): void {
  addHeaders(exitSpans, args, options, span === null ? headers : exitSpans.headers(span));
  if (span !== null && exitSpans.capturesHeaders) captureRequestHeaders(exitSpans, span, options);
}

function failQuietly(exitSpans: HttpExitSpans, breaker: CircuitBreaker, span: SpanRecord, error: unknown): void {
  try {
    exitSpans.fail(span, error);
  } catch (internalError) {
    breaker.record(internalError);
  }
}

/** Also follows a request without a span, because its listeners must not run in the context of another one. */
function follow(
  breaker: CircuitBreaker,
  request: ClientRequest,
  span: SpanRecord | null,
  activeSpan: ActiveSpan,
): void {
  try {
    const call = new ClientCall(span, activeSpan.state(), request);
    clientCalls.set(request, call);
    if (span !== null && span.http !== null) span.http.transfer = call;
  } catch (error) {
    breaker.record(error);
  }
}

/** Adds trace headers to our copy of the options. Those that the application has set are kept or replaced by `mergeTraceHeaders`. */
function addHeaders(
  exitSpans: HttpExitSpans,
  args: RequestArguments,
  options: RequestOptions,
  added: OutgoingHeaders,
): void {
  if (added === null) return;
  const { headers } = options;
  if (Array.isArray(headers)) {
    const isFlat = !Array.isArray(headers[0]);
    // Node.js rejects a flat list of odd length, and its error shows the list.
    if (isFlat && headers.length % 2 !== 0) return;
    const merged = mergeTraceHeaders(isFlat ? inPairs(headers) : headers, added, exitSpans, args);
    options['headers'] = isFlat
      ? [...merged.application.flat(), ...merged.added]
      : [...merged.application, ...inPairs(merged.added)];
    return;
  }
  let copy: Record<string, unknown> = { ...(headers as object | null | undefined) };
  let toAdd = added;
  let families = 0;
  for (const name in copy) families |= headerFamily(name);
  if (families !== 0 || forwardsMuch(added)) {
    const merged = mergeTraceHeaders(Object.entries(copy), added, exitSpans, args);
    copy = Object.fromEntries(merged.application);
    toAdd = merged.added;
  }
  for (let index = 0; index < toAdd.length; index += 2) copy[toAdd[index] as string] = toAdd[index + 1]; // inside the bounds
  options['headers'] = copy;
}

function captureRequestHeaders(exitSpans: HttpExitSpans, span: SpanRecord, { headers }: RequestOptions): void {
  if (typeof headers !== 'object' || headers === null) return;
  const list: readonly unknown[] = Array.isArray(headers)
    ? Array.isArray(headers[0])
      ? headers.flat()
      : headers
    : Object.entries(headers).flat();
  exitSpans.capture(span, (name) => valuesInList(list, name));
}

/**
 * Observes the events of a request in `emit`, and calls its listeners in its own context. A listener for `error` or `response` would
 * change what Node.js does if the application has none.
 */
function requestEmit(original: Original, { exitSpans, activeSpan, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('events of an outgoing request');
  function emit(this: ClientRequest, event?: unknown, detail?: unknown): unknown {
    let outside: ClientCall | null = null;
    try {
      const call = clientCalls.get(this);
      if (call !== undefined) {
        handleEvent(exitSpans, call, this, event, detail);
        if (!breaker.isOpen && isOutsideCall(call, this, event, activeSpan)) outside = call;
      }
    } catch (error) {
      breaker.record(error);
    }
    if (outside === null) return Reflect.apply(original.fn, this, arguments);
    return activeSpan.apply(outside.active, original.fn, this, arguments);
  }
  return emit as HostFunction;
}

function handleEvent(
  exitSpans: HttpExitSpans,
  call: ClientCall,
  request: ClientRequest,
  event: unknown,
  detail: unknown,
): void {
  if (
    event !== 'response' &&
    event !== 'error' &&
    event !== 'close' &&
    event !== 'timeout' &&
    event !== 'upgrade' &&
    event !== 'connect'
  )
    return;
  if (event === 'response' && typeof detail === 'object' && detail !== null) clientCalls.set(detail, call);
  const { span } = call;
  if (span === null || span.isFinished || span.http === null) return;
  // Headers that were set after the request was made. A raw list is known from the options only.
  if (exitSpans.capturesHeaders && event !== 'close') exitSpans.capture(span, (name) => request.getHeader(name));
  switch (event) {
    case 'response':
    case 'upgrade':
    case 'connect': {
      const response = detail as IncomingMessage; // as Node.js emits it
      exitSpans.responded(span, response.statusCode ?? 0);
      if (exitSpans.capturesHeaders) exitSpans.capture(span, (name) => response.headers[name]);
      if (event === 'response') call.response = response;
      else exitSpans.end(span, true);
      return;
    }
    case 'timeout':
      span.http.timedOut = true;
      return;
    case 'error':
      exitSpans.fail(span, abortReason(call, detail));
      return;
    default:
      handleClose(exitSpans, call, span);
  }
}

/** If the application destroys a request without a reason, Node.js reports that the peer hung up. */
function abortReason(call: ClientCall, error: unknown): unknown {
  const hungUp = (error as { code?: unknown } | null)?.code === 'ECONNRESET';
  return call.destroyedByApplication && hungUp ? { name: 'AbortError' } : error;
}

function handleClose(exitSpans: HttpExitSpans, call: ClientCall, span: SpanRecord): void {
  const { response } = call;
  call.response = null;
  if (response === null) {
    exitSpans.setError(span, span.http?.timedOut === true ? 'Timeout exceeded' : 'Request aborted');
    exitSpans.end(span, true);
    return;
  }
  if (!response.complete) {
    if (call.destroyedByApplication || response.errored === null || response.errored === undefined) {
      if (span.http !== null) span.http.error ??= 'Request aborted';
    } else {
      exitSpans.fail(span, response.errored);
      return;
    }
  }
  exitSpans.end(span, response.readableEnded || hasReader(response));
}

function requestDestroy(original: HostFunction, { errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('destroy of an outgoing request');
  function destroy(this: ClientRequest, reason?: unknown): unknown {
    try {
      const call = clientCalls.get(this);
      if (call !== undefined && !this.destroyed && reason === undefined) call.destroyedByApplication = true;
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
  patch: (exports, context) => patchClient(exports, 'http:', context),
};

export const httpsClient: Instrumentation = {
  name: 'https',
  presets: httpPresets,
  module: 'https',
  patch: (exports, context) => patchClient(exports, 'https:', context),
};
