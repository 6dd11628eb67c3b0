// Entry spans of HTTP: how they begin, what is added to them, and how they end.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../../config/options.js';
import { type IdPool, shortId } from '../../propagation/ids.js';
import { TraceHeaderReader } from '../../propagation/trace-headers.js';
import type { W3cContext } from '../../propagation/w3c-context.js';
import { type ActiveSpan, Suppressed, suppressed } from '../../spans/active-span.js';
import { errorStack, errorText } from '../../spans/error-text.js';
import type { IgnoreMatcher, IgnorePolicy } from '../../spans/ignore-policy.js';
import type { Recorder } from '../../spans/recorder.js';
import { HttpAttributes, SpanRecord } from '../../spans/span.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { captureHeaders, capturesHeaders, valuesInList } from './captured-headers.js';
import { bytesDispatched, isDelivered } from './response-delivery.js';

/** The parts of the sensor that entry spans use. */
export interface EntrySpanDependencies {
  readonly recorder: Recorder;
  readonly activeSpan: ActiveSpan;
  readonly ids: IdPool;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly config: () => Config;
  /** Patches modules of Node.js that were loaded in a way that no hook sees. */
  readonly patchLoadedBuiltins: () => void;
}

/** The span of a request, or that its caller wants none: on the request and on its response. */
const traced: PrivateField<SpanRecord | Suppressed> = makePrivateField();

function spanOf(target: object): SpanRecord | undefined {
  const found = traced.get(target);
  return found instanceof SpanRecord ? found : undefined;
}

/** Begins and ends the entry spans of all HTTP servers of the process. */
export class HttpEntrySpans {
  readonly #dependencies: EntrySpanDependencies;
  readonly #reader: TraceHeaderReader = new TraceHeaderReader();
  /** The span whose handler threw an error that nothing has caught yet. */
  #thrown: SpanRecord | null = null;
  /** Most calls of a handler before its first `await` are for this span. */
  #lastBegun: SpanRecord | null = null;
  #ignores: IgnoreMatcher | null = null;
  #suppressesIgnored = true;

  constructor(dependencies: EntrySpanDependencies) {
    this.#dependencies = dependencies;
  }

  /** Sets which requests are ignored from now on. */
  use({ ignoresRequest, suppressesBelowIgnored }: IgnorePolicy): void {
    this.#ignores = ignoresRequest;
    this.#suppressesIgnored = suppressesBelowIgnored;
  }

  /** Starts the span of a request. Null if it already has one or tracing is off; `Suppressed` if its caller wants none. */
  begin(request: IncomingMessage, response: ServerResponse): SpanRecord | Suppressed | null {
    const { recorder, ids, now, wallClock, config, patchLoadedBuiltins } = this.#dependencies;
    // Checked for each request, because `configure()` may turn tracing off after the servers were patched.
    if (!config().tracing.enabled || spanOf(response) !== undefined) return null;
    const caller = this.#reader;
    const rawHeaders: unknown = request.rawHeaders;
    // Adapters of serverless platforms emit requests that they made themselves.
    caller.read(Array.isArray(rawHeaders) ? rawHeaders : [], config().tracing.w3c.read);
    const { traceId, w3c } = caller;
    if (caller.suppressed) return suppress(request, response, w3c);
    const ignored = this.#ignores?.(request.method ?? '', pathOf(request.url ?? ''), caller.host ?? '') === true;
    const http = new HttpAttributes(request.method ?? '', request.url ?? '', caller.host);
    http.bytesBefore = bytesDispatched(request.socket);
    http.request = request;
    http.response = response;
    const span = new SpanRecord(
      'node.http.server',
      1,
      traceId === null ? ids.next() : shortId(traceId),
      // Children of an ignored span that suppresses nothing become children of its parent, if it has one.
      ignored && !this.#suppressesIgnored ? (caller.spanId ?? '') : ids.next(),
      caller.spanId,
      traceId !== null && traceId.length > 16 ? traceId : null,
      wallClock(),
      now(),
      http,
    );
    if (caller.correlationId !== null) {
      span.correlationType = caller.correlationType;
      span.correlationId = caller.correlationId;
    }
    if (w3c !== null) {
      span.w3c = w3c;
      span.fromTraceparent = caller.fromTraceparent;
    }
    if (caller.synthetic) span.synthetic = true;
    if (ignored) {
      span.ignored = true;
      span.suppressed = this.#suppressesIgnored;
    }
    if (this.capturesHeaders && Array.isArray(rawHeaders)) this.#captureRequestHeaders(span, rawHeaders);
    exposeTraceId(request, span.traceId);
    traced.set(response, span);
    traced.set(request, span);
    recorder.open(span);
    // The handler may call `https`, which an ES module can import without a hook noticing (docs/notes/start-up.md).
    patchLoadedBuiltins();
    this.#lastBegun = span;
    return span;
  }

  /** The span of a response, open or not; null if it is not traced. */
  spanOf(response: object): SpanRecord | null {
    return this.#lastBegunOf(response) ?? this.activeOf(response) ?? spanOf(response) ?? null;
  }

  /** Records the status of a head that was written. A status that Node.js converts is read from the response later. */
  headWritten(span: SpanRecord, status: unknown): void {
    if (span.http === null || span.isFinished || typeof status !== 'number') return;
    if (Number.isInteger(status) && status >= 100 && status <= 999) span.http.status = status;
  }

  /** The open entry span of a response. For any other object of a framework, that of the asynchronous context. */
  openSpanOf(response: unknown): SpanRecord | null {
    const span = this.#lastBegunOf(response) ?? this.#search(response);
    return span === null || span.kind !== 1 || span.http === null || span.isFinished ? null : span;
  }

  /**
   * The active span, if it is that of this request or response; otherwise null. Compares instead of reading the object: Express sets
   * the prototype of each request and response, after which V8 finds their properties, including ours, only by a search.
   */
  activeOf(emitter: object): SpanRecord | null {
    const span = this.#dependencies.activeSpan.get();
    if (span === null || span.http === null) return null;
    return span.http.response === emitter || span.http.request === emitter ? span : null;
  }

  /**
   * The state to activate in an event of this request or response: its entry span, or `Suppressed`. Null if it is active already, or
   * if the object is unknown.
   */
  inactiveSpanOf(emitter: object): SpanRecord | Suppressed | null {
    const { activeSpan } = this.#dependencies;
    const found = traced.get(emitter);
    if (found === undefined) return null;
    if (found instanceof SpanRecord) return activeSpan.get()?.traceId === found.traceId ? null : found;
    return activeSpan.isSuppressed() ? null : found;
  }

  /** Records the first error that a framework reports for a request. Whether the span counts as failed depends on the status. */
  fail(span: SpanRecord, error: unknown): void {
    const { http } = span;
    if (http === null || http.error !== null || span.isFinished) return;
    http.error = errorText(error);
    if (this.#dependencies.config().tracing.stackTrace === 'none') return;
    const stack = errorStack(error);
    if (stack !== null) span.stack = { stack };
  }

  /**
   * Ends the span of a response that is finished, or `aborted` before that; does nothing for a response without a span. `active` is
   * its span if the caller has already found it.
   */
  end(response: ServerResponse, aborted: boolean, active: SpanRecord | null = null): void {
    const span = active ?? spanOf(response);
    if (span === undefined) return;
    const { http } = span;
    if (!span.isFinished) {
      if (http !== null) this.#complete(span, http, response, aborted);
      this.#dependencies.recorder.finish(span);
    }
    if (aborted && http !== null) {
      http.request = null;
      http.response = null;
    }
  }

  /** Ends the span of an upgrade request, whose connection the application owns. Status 0: there was no response. */
  endUpgrade(span: SpanRecord, status: number): void {
    const { http } = span;
    if (http === null || span.isFinished) return;
    http.status = status;
    if (status === 0) http.error ??= 'Request aborted';
    if (status >= 500) span.errorCount = 1;
    http.request = null;
    http.response = null;
    this.#dependencies.recorder.finish(span);
  }

  /**
   * Ends a span whose response has not ended in time, so that it is reported. A later end of the response has no effect. `afterMs` is
   * the time since the last byte if its connection `hasMoved`, otherwise that since the start.
   */
  expire(span: SpanRecord, afterMs: number, hasMoved: boolean): void {
    const { http } = span;
    if (http !== null) {
      const seconds = Math.round(afterMs / 1000);
      http.error ??= hasMoved
        ? `Unfinished: nothing sent or received for ${seconds} s`
        : `Unfinished: no end of the response after ${seconds} s`;
      if (http.status >= 500) span.errorCount = 1;
      this.#resolveTemplate(http, 0, {});
    }
    span.sdkAttributes().tags['unfinished'] = true;
    this.#dependencies.recorder.finish(span);
  }

  /** The handler of this request threw an error, which only the process' own events will show. */
  threw(span: SpanRecord): void {
    this.#thrown = span;
  }

  /** Records an uncaught error on the request whose handler threw it, or in whose context it was thrown. */
  failUncaught(error: unknown): void {
    const span = this.#thrown ?? this.#dependencies.activeSpan.get();
    this.#thrown = null;
    if (span !== null && span.kind === 1) this.fail(span, error);
  }

  /** Ends the spans of failed requests without a response, because the process is about to exit. */
  endFailed(): void {
    this.#dependencies.recorder.expire(Number.NEGATIVE_INFINITY, (span) => {
      if (span.kind !== 1 || span.http === null || span.http.error === null) return;
      span.errorCount = 1;
      this.#resolveTemplate(span.http, 0, {});
      this.#dependencies.recorder.finish(span);
    });
  }

  #lastBegunOf(response: unknown): SpanRecord | null {
    const http = this.#lastBegun?.http ?? null;
    return http !== null && http.response !== null && http.response === response ? this.#lastBegun : null;
  }

  #search(response: unknown): SpanRecord | null {
    const active = this.#dependencies.activeSpan.get();
    if (active?.http?.response === response || typeof response !== 'object' || response === null) return active;
    return spanOf(response) ?? active;
  }

  #complete(span: SpanRecord, http: HttpAttributes, response: ServerResponse, aborted: boolean): void {
    if (http.status === 0 && (!aborted || response.headersSent)) http.status = response.statusCode;
    if (aborted && !isDelivered(response, http.bytesBefore)) this.#setAbortError(http, response);
    this.#resolveTemplate(http, http.status === 0 ? response.statusCode : http.status, response);
    if (http.status >= 500) span.errorCount = 1;
    if (this.capturesHeaders) this.#captureResponseHeaders(http, response);
  }

  #resolveTemplate(http: HttpAttributes, status: number, response: { readonly req?: unknown }): void {
    if (!http.templateFrozen && http.route !== null) http.template = http.route.template(status, response);
    http.route = null;
  }

  #setAbortError(http: HttpAttributes, response: ServerResponse): void {
    if (http.error !== null) return;
    const { errored } = response;
    http.error = errored === null || errored === undefined ? 'Request aborted' : errorText(errored);
  }

  /** Whether any headers are to be captured. */
  get capturesHeaders(): boolean {
    return capturesHeaders(this.#dependencies.config());
  }

  /** Captures headers that were passed to `writeHead` only: name, value, name, value. */
  captureWrittenHeaders(response: object, written: readonly unknown[]): void {
    const http = spanOf(response)?.http;
    if (http === undefined || http === null) return;
    captureHeaders(this.#dependencies.config(), http, (name) => valuesInList(written, name));
  }

  #captureRequestHeaders(span: SpanRecord, rawHeaders: readonly string[]): void {
    if (span.http !== null)
      captureHeaders(this.#dependencies.config(), span.http, (name) => valuesInList(rawHeaders, name));
  }

  #captureResponseHeaders(http: HttpAttributes, response: ServerResponse): void {
    captureHeaders(this.#dependencies.config(), http, (name) => response.getHeader(name));
  }
}

function suppress(request: IncomingMessage, response: ServerResponse, w3c: W3cContext | null): Suppressed {
  const state = w3c === null ? suppressed : new Suppressed(w3c);
  traced.set(request, state);
  traced.set(response, state);
  return state;
}

/** Makes the trace id available to templates of pages. What the caller sent stays, because the application may rely on it. */
function exposeTraceId(request: IncomingMessage, traceId: string): void {
  try {
    request.headers['x-instana-t'] ??= traceId;
  } catch {
    // The headers of an adapter may be frozen.
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
