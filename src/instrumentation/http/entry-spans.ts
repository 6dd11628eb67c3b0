// What an HTTP entry span means: how it begins, what is added to it, how it ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { shortId } from '../../propagation/ids.js';
import { TraceHeaderReader } from '../../propagation/trace-headers.js';
import { Suppressed, suppressed } from '../../spans/active-span.js';
import { errorStack, errorText } from '../../spans/error-text.js';
import type { IgnoreMatcher, IgnorePolicy } from '../../spans/ignore-policy.js';
import { HttpAttributes, SpanRecord } from '../../spans/span.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { captureHeader, valuesInList } from './captured-headers.js';
import type { HttpSpanDependencies } from './span-dependencies.js';

/** What a request was found to be, on it and on its response. */
const marks: PrivateField<SpanRecord | Suppressed> = makePrivateField();

function spanOf(target: object): SpanRecord | undefined {
  const mark = marks.get(target);
  return mark instanceof SpanRecord ? mark : undefined;
}

/** Begins and ends the entry spans of all HTTP servers of the process. */
export class HttpEntrySpans {
  readonly #dependencies: HttpSpanDependencies;
  readonly #reader: TraceHeaderReader = new TraceHeaderReader();
  #thrown: SpanRecord | null = null;
  /** The last one begun: what a handler does at once is done for its request. */
  #latest: SpanRecord | null = null;
  #ignores: IgnoreMatcher | null = null;
  #suppressesIgnored = true;

  constructor(dependencies: HttpSpanDependencies) {
    this.#dependencies = dependencies;
  }

  /** Tells which requests are ignored from now on. */
  use({ ignoresRequest, suppressesBelowIgnored }: IgnorePolicy): void {
    this.#ignores = ignoresRequest;
    this.#suppressesIgnored = suppressesBelowIgnored;
  }

  /** Starts the span of a request; null when it has one already, a mark of suppression when its caller wants none. */
  begin(request: IncomingMessage, response: ServerResponse): SpanRecord | Suppressed | null {
    const { recorder, ids, now, wallClock, config, patchLoadedBuiltins } = this.#dependencies;
    // Read here too: `configure()` may turn tracing off after the servers were patched.
    if (!config().tracing.enabled || spanOf(response) !== undefined) return null;
    const caller = this.#reader;
    const rawHeaders: unknown = request.rawHeaders;
    // Adapters of serverless platforms emit requests of their own making.
    caller.read(Array.isArray(rawHeaders) ? rawHeaders : [], config().tracing.w3c.read);
    const { traceId, w3c } = caller;
    if (caller.suppressed) {
      const mark = w3c === null ? suppressed : new Suppressed(w3c);
      marks.set(request, mark);
      marks.set(response, mark);
      return mark;
    }
    const ignored = this.#ignores?.(request.method ?? '', pathOf(request.url ?? ''), caller.host ?? '') === true;
    const http = new HttpAttributes(request.method ?? '', request.url ?? '', caller.host);
    http.bytesBefore = bytesDispatched(request.socket);
    http.request = request;
    http.response = response;
    const span = new SpanRecord(
      'node.http.server',
      1,
      traceId === null ? ids.next() : shortId(traceId),
      // What stands below an ignored span that suppresses nothing stands below that span's parent, if it has one.
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
    if (config().tracing.extraHttpHeaders.length > 0 && Array.isArray(rawHeaders))
      this.#captureRequestHeaders(span, rawHeaders);
    showTraceId(request, span.traceId);
    marks.set(response, span);
    marks.set(request, span);
    recorder.open(span);
    // The handler may call `https`, which an ES module can import without a hook noticing (docs/notes/start-up.md).
    patchLoadedBuiltins();
    this.#latest = span;
    return span;
  }

  /** The span of a response, open or not; null when it is not traced. */
  spanOf(response: object): SpanRecord | null {
    return this.#latestOf(response) ?? this.activeOf(response) ?? spanOf(response) ?? null;
  }

  /** A response has written its head; a status that Node.js takes for another number is left to be read from the response. */
  headWritten(span: SpanRecord, status: unknown): void {
    if (span.http === null || span.isFinished || typeof status !== 'number') return;
    if (Number.isInteger(status) && status >= 100 && status <= 999) span.http.status = status;
  }

  /** The open entry span of a response, or of the asynchronous context when a framework handed us another object. */
  of(response: unknown): SpanRecord | null {
    const span = this.#latestOf(response) ?? this.#search(response);
    return span === null || span.kind !== 1 || span.http === null || span.isFinished ? null : span;
  }

  /**
   * The active span, if it is that of this request or response; null else. Found without a look at the object: Express gives each
   * request and response a prototype, and V8 then finds no property of them, ours included, without a search.
   */
  activeOf(emitter: object): SpanRecord | null {
    const span = this.#dependencies.activeSpan.get();
    if (span === null || span.http === null) return null;
    return span.http.response === emitter || span.http.request === emitter ? span : null;
  }

  /**
   * What is to be active in an event of this request or response: its entry span, or the mark when its caller wants no spans; null
   * when that is so already, or nothing is known.
   */
  inactiveSpanOf(emitter: object): SpanRecord | Suppressed | null {
    const { activeSpan } = this.#dependencies;
    const mark = marks.get(emitter);
    if (mark === undefined) return null;
    if (mark instanceof SpanRecord) return activeSpan.get()?.traceId === mark.traceId ? null : mark;
    return activeSpan.isSuppressed() ? null : mark;
  }

  /** Notes the error that a framework reports, the first one of a request; its status decides whether it counts. */
  fail(span: SpanRecord, error: unknown): void {
    const { http } = span;
    if (http === null || http.error !== null || span.isFinished) return;
    http.error = errorText(error);
    if (this.#dependencies.config().tracing.stackTrace === 'none') return;
    const stack = errorStack(error);
    if (stack !== null) span.stack = { stack };
  }

  /**
   * Ends the span of a response that was finished, or cut off before it was; does nothing for any other. `known` is its span, when
   * that has been found already.
   */
  end(response: ServerResponse, cutOff: boolean, known: SpanRecord | null = null): void {
    const span = known ?? spanOf(response);
    if (span === undefined) return;
    const { http } = span;
    if (!span.isFinished) {
      if (http !== null) this.#complete(span, http, response, cutOff);
      this.#dependencies.recorder.finish(span);
    }
    if (cutOff && http !== null) {
      http.request = null;
      http.response = null;
    }
  }

  /** Ends the span of a request that was handed over together with its connection; status 0: nobody answered. */
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

  /** Ends a span whose response never came, so that it is seen; a later end of the response adds nothing. */
  expire(span: SpanRecord, afterMs: number): void {
    const { http } = span;
    if (http !== null) {
      http.error ??= `Unfinished: no end of the response after ${Math.round(afterMs / 1000)} s`;
      if (http.status >= 500) span.errorCount = 1;
      this.#takeTemplate(http, 0, {});
    }
    span.sdkAttributes().tags['unfinished'] = true;
    this.#dependencies.recorder.finish(span);
  }

  /** The handler of this request threw, out of the server: what was thrown is known only to the process. */
  threw(span: SpanRecord): void {
    this.#thrown = span;
  }

  /** An error that nobody caught: belongs to the request whose handler threw it, or in whose context it came up. */
  failUncaught(error: unknown): void {
    const span = this.#thrown ?? this.#dependencies.activeSpan.get();
    this.#thrown = null;
    if (span !== null && span.kind === 1) this.fail(span, error);
  }

  /** The process ends: requests that failed and were never answered are sent as they are. */
  endFailed(): void {
    this.#dependencies.recorder.expire(Number.NEGATIVE_INFINITY, (span) => {
      if (span.kind !== 1 || span.http === null || span.http.error === null) return;
      span.errorCount = 1;
      this.#takeTemplate(span.http, 0, {});
      this.#dependencies.recorder.finish(span);
    });
  }

  #latestOf(response: unknown): SpanRecord | null {
    const http = this.#latest?.http ?? null;
    return http !== null && http.response !== null && http.response === response ? this.#latest : null;
  }

  #search(response: unknown): SpanRecord | null {
    const active = this.#dependencies.activeSpan.get();
    if (active?.http?.response === response || typeof response !== 'object' || response === null) return active;
    return spanOf(response) ?? active;
  }

  #complete(span: SpanRecord, http: HttpAttributes, response: ServerResponse, cutOff: boolean): void {
    if (http.status === 0 && (!cutOff || response.headersSent)) http.status = response.statusCode;
    if (cutOff && !isHandedOver(http, response)) this.#noteCut(http, response);
    this.#takeTemplate(http, http.status === 0 ? response.statusCode : http.status, response);
    if (http.status >= 500) span.errorCount = 1;
    if (this.#dependencies.config().tracing.extraHttpHeaders.length > 0) this.#captureResponseHeaders(http, response);
  }

  #takeTemplate(http: HttpAttributes, status: number, response: { readonly req?: unknown }): void {
    if (!http.templateFrozen && http.route !== null) http.template = http.route.template(status, response);
    http.route = null;
  }

  #noteCut(http: HttpAttributes, response: ServerResponse): void {
    if (http.error !== null) return;
    const { errored } = response as { errored?: unknown }; // since Node.js 18; the type has it later
    http.error = errored === null || errored === undefined ? 'Request aborted' : errorText(errored);
  }

  /** Whether any headers are to be recorded. */
  get captures(): boolean {
    return this.#dependencies.config().tracing.extraHttpHeaders.length > 0;
  }

  /** Notes headers that a response got with its head only: name, value, name, value. */
  captureWrittenHeaders(response: object, written: readonly unknown[]): void {
    const http = spanOf(response)?.http;
    if (http === undefined || http === null) return;
    for (const name of this.#dependencies.config().tracing.extraHttpHeaders)
      captureHeader(http, name, valuesInList(written, name));
  }

  #captureRequestHeaders(span: SpanRecord, rawHeaders: readonly string[]): void {
    if (span.http === null) return;
    for (const name of this.#dependencies.config().tracing.extraHttpHeaders)
      captureHeader(span.http, name, valuesInList(rawHeaders, name));
  }

  #captureResponseHeaders(http: HttpAttributes, response: ServerResponse): void {
    for (const name of this.#dependencies.config().tracing.extraHttpHeaders)
      captureHeader(http, name, response.getHeader(name));
  }
}

/** For templates of pages, where the caller sent no trace id. The headers may be an adapter's own, and frozen. */
function showTraceId(request: IncomingMessage, traceId: string): void {
  try {
    request.headers['x-instana-t'] ??= traceId;
  } catch {
    // Then templates do without it.
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

/**
 * Whether the client had the whole response when its connection ended. One that hangs up on the last byte can be faster than the
 * callback of the last write, and than the `end()` of an application that streams a file of known length.
 */
function isHandedOver(http: HttpAttributes, response: ServerResponse): boolean {
  // `_header` and `_contentLength` are Node.js' own; without them the response counts as cut off.
  const {
    errored,
    _header: head,
    _contentLength: length,
  } = response as {
    errored?: unknown;
    _header?: unknown;
    _contentLength?: unknown;
  };
  const socket = response.socket as { errored?: unknown; bytesWritten?: number } | null;
  if ((errored ?? null) !== null || (socket?.errored ?? null) !== null) return false;
  if (response.writableEnded) return true;
  const written = (socket?.bytesWritten ?? 0) - http.bytesBefore;
  return typeof head === 'string' && typeof length === 'number' && written >= head.length + length;
}

/** What Node.js has handed to the system; `bytesWritten` would count what waits, too, which takes a list of it. */
function bytesDispatched(socket: unknown): number {
  const { _bytesDispatched: bytes } = (socket ?? {}) as { _bytesDispatched?: unknown };
  return typeof bytes === 'number' ? bytes : Number.NaN; // then a response counts as cut off
}
