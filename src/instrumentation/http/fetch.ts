// Node.js' global fetch, observed on the diagnostics channels that undici publishes: one exit span per request on the wire.
import { httpPresets } from '../../config/presets.js';
import type { CircuitBreaker } from '../../core/internal-errors.js';
import type { SpanRecord } from '../../spans/span.js';
import type { ChannelInstrumentation, InstrumentationContext, InstrumentationState } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import type { Undo } from '../wrap-method.js';
import { valuesInList } from './captured-headers.js';
import type { HttpExitSpans } from './exit-spans.js';
import { flatList, UndiciHeaders, type UndiciRequest } from './undici-headers.js';
import { UndiciTransfer } from './undici-transfer.js';

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
  readonly #headers: UndiciHeaders;
  readonly #spans: PrivateField<SpanRecord> = makePrivateField();

  constructor({ exitSpans, state }: InstrumentationContext, headers: UndiciHeaders) {
    this.#exitSpans = exitSpans;
    this.#state = state;
    this.#headers = headers;
  }

  /** The stack of the span begins at the caller of `stackStartFn`. */
  created({ request }: UndiciMessage, stackStartFn: ChannelHandler): void {
    if (this.#state.isDisabled || request === undefined || typeof request.addHeader !== 'function') return;
    const exitSpans = this.#exitSpans;
    const parent = exitSpans.parent();
    if (parent === null) {
      this.#headers.add(request, exitSpans.headersWithoutSpan());
      return;
    }
    // undici publishes no event for upgraded connections, so the span would never end.
    const span = request.upgrade ? null : this.#begin(parent, request, stackStartFn);
    this.#headers.add(request, exitSpans.headers(span ?? parent));
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

function channels(
  context: InstrumentationContext,
  onUndo: (undo: Undo) => void,
): Readonly<Record<string, ChannelHandler>> {
  const breaker = context.errors.breaker('fetch');
  const spans = new UndiciSpans(context, new UndiciHeaders(context.exitSpans, breaker, onUndo));
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

export const fetchClient: ChannelInstrumentation = { name: 'fetch', presets: httpPresets, channels };
