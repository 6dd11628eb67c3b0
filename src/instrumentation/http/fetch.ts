// Node.js' global fetch, observed on the diagnostics channels that undici publishes: one exit span per request on the wire.
import { httpPresets } from '../../config/presets.js';
import type { CircuitBreaker } from '../../core/internal-errors.js';
import type { SpanRecord } from '../../spans/span.js';
import type { ChannelInstrumentation, InstrumentationContext, InstrumentationState } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { valuesInList } from './captured-headers.js';
import type { HttpExitSpans, OutgoingHeaders } from './exit-spans.js';
import { inPairs, mergeTraceHeaders } from './outgoing-headers.js';
import { UndiciTransfer } from './undici-transfer.js';

/** The members of undici's request object that are used. Each is checked first, because they differ by version. */
interface UndiciRequest {
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly method?: unknown;
  headers?: unknown;
  /** The protocol that a WebSocket asks for; otherwise null or absent. */
  readonly upgrade?: unknown;
  addHeader?(name: string, value: string): unknown;
}

interface UndiciMessage {
  readonly request?: UndiciRequest;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
  readonly socket?: object;
  readonly error?: unknown;
}

type ChannelHandler = (message: unknown) => void;

/** Makes the exit spans of undici's requests from its messages. */
class UndiciSpans {
  readonly #exitSpans: HttpExitSpans;
  readonly #state: InstrumentationState;
  readonly #spans: PrivateField<SpanRecord> = makePrivateField();

  constructor({ exitSpans, state }: InstrumentationContext) {
    this.#exitSpans = exitSpans;
    this.#state = state;
  }

  /** The stack of the span begins at the caller of `stackStartFn`. */
  created({ request }: UndiciMessage, stackStartFn: ChannelHandler): void {
    if (this.#state.isDisabled || request === undefined || typeof request.addHeader !== 'function') return;
    const exitSpans = this.#exitSpans;
    const parent = exitSpans.parent();
    if (parent === null) {
      addHeaders(request, exitSpans.headersWithoutSpan(), exitSpans);
      return;
    }
    // undici publishes no event for upgraded connections, so the span would never end.
    const span = request.upgrade ? null : this.#begin(parent, request, stackStartFn);
    addHeaders(request, exitSpans.headers(span ?? parent), exitSpans);
  }

  /** The request has got a connection. */
  sent({ request, socket }: UndiciMessage): void {
    const transfer = this.#spanOf(request)?.http?.transfer;
    if (transfer instanceof UndiciTransfer) transfer.socket = socket ?? null;
  }

  responded({ request, response }: UndiciMessage): void {
    const span = this.#spanOf(request);
    if (span === undefined || typeof response?.statusCode !== 'number' || response.statusCode < 200) return;
    this.#exitSpans.responded(span, response.statusCode);
    if (this.#exitSpans.capturesHeaders) this.#capture(span, flatList(response.headers));
  }

  completed({ request }: UndiciMessage): void {
    const span = this.#spanOf(request);
    if (span !== undefined) this.#exitSpans.end(span, true);
  }

  failed({ request, error }: UndiciMessage): void {
    const span = this.#spanOf(request);
    if (span === undefined) return;
    const { http } = span;
    // An application that has read the head may abort the body. That is no failure of the call.
    if (http !== null && http.headTick > 0 && (error as { name?: unknown } | null)?.name === 'AbortError')
      this.#exitSpans.end(span, http.transfer?.hasReader === true);
    else this.#exitSpans.fail(span, error);
  }

  #begin(parent: SpanRecord, request: UndiciRequest, stackStartFn: ChannelHandler): SpanRecord {
    const { method, origin, headers } = request;
    const path = typeof request.path === 'string' ? request.path : '/';
    const span = this.#exitSpans.begin(parent, String(method ?? 'GET'), String(origin ?? ''), path, stackStartFn);
    this.#spans.set(request, span);
    if (span.http !== null) span.http.transfer = new UndiciTransfer(request);
    if (this.#exitSpans.capturesHeaders) this.#capture(span, flatList(headers));
    return span;
  }

  #capture(span: SpanRecord, list: readonly unknown[]): void {
    this.#exitSpans.capture(span, (name) => valuesInList(list, name));
  }

  #spanOf(request: UndiciRequest | undefined): SpanRecord | undefined {
    return request === undefined ? undefined : this.#spans.get(request);
  }
}

function channels(context: InstrumentationContext): Readonly<Record<string, ChannelHandler>> {
  const spans = new UndiciSpans(context);
  const breaker = context.errors.breaker('fetch');
  const created = quietly(breaker, (message) => spans.created(message, created));
  return {
    'undici:request:create': created,
    'undici:client:sendHeaders': quietly(breaker, (message) => spans.sent(message)),
    'undici:request:headers': quietly(breaker, (message) => spans.responded(message)),
    'undici:request:trailers': quietly(breaker, (message) => spans.completed(message)),
    'undici:request:error': quietly(breaker, (message) => spans.failed(message)),
  };
}

function quietly(breaker: CircuitBreaker, handle: (message: UndiciMessage) => void): ChannelHandler {
  return (message) => {
    try {
      if (!breaker.isOpen && typeof message === 'object' && message !== null) handle(message);
    } catch (error) {
      breaker.record(error);
    }
  };
}

/** Headers as a flat list. By version of undici they are a text of lines or a list of names and values, as texts or bytes. */
function flatList(headers: unknown): unknown[] {
  if (Array.isArray(headers)) return headers.map((one) => (Array.isArray(one) ? one.map(String) : String(one)));
  if (typeof headers !== 'string') return [];
  return headers.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

function addHeaders(request: UndiciRequest, added: OutgoingHeaders, exitSpans: HttpExitSpans): void {
  if (added === null) return;
  const toAdd = replaceHeaders(request, added, exitSpans);
  for (let index = 0; index + 1 < toAdd.length; index += 2) {
    request.addHeader?.(toAdd[index] as string, toAdd[index + 1] as string); // inside the bounds
  }
}

/** Removes the headers that `added` replaces from undici's own copy, and returns those of `added` that may be added. */
function replaceHeaders(request: UndiciRequest, added: readonly string[], exitSpans: HttpExitSpans): readonly string[] {
  const { headers } = request;
  const present = inPairs(flatList(headers));
  const merged = mergeTraceHeaders(present, added, exitSpans, request);
  const { application } = merged;
  if (application === present) return merged.added;
  if (Array.isArray(headers)) headers.splice(0, headers.length, ...application.flat());
  else request.headers = application.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return merged.added;
}

export const fetchClient: ChannelInstrumentation = { name: 'fetch', presets: httpPresets, channels };
