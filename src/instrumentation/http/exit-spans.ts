// What an HTTP exit span means: whether there is one, what the other side is told, how it ends.
import type { Config } from '../../config/options.js';
import { tryMember } from '../../core/try-get.js';
import { parseId, shortId } from '../../propagation/ids.js';
import { levelHeader, spanHeader, traceHeader } from '../../propagation/trace-headers.js';
import {
  baggageHeader,
  readTraceparent,
  suppressedTraceparent,
  tracedTraceparent,
  tracedTracestate,
  traceparentHeader,
  tracestateHeader,
  type W3cContext,
} from '../../propagation/w3c.js';
import { errorStack, errorText } from '../../spans/error-text.js';
import { HttpAttributes, SpanRecord } from '../../spans/span.js';
import { captureHeader } from './captured-headers.js';
import type { HttpSpanDependencies } from './span-dependencies.js';

/** What goes out with a request: name, value, name, value; null for nothing. */
export type OutgoingHeaders = readonly string[] | null;

/** Trace headers that the application put on a call itself. */
export interface OutgoingContext {
  trace?: string;
  span?: string;
  level?: string;
  parent?: string;
}

/** Begins and ends the exit spans of all HTTP clients of the process. */
export class HttpExitSpans {
  readonly #dependencies: HttpSpanDependencies;

  constructor(dependencies: HttpSpanDependencies) {
    this.#dependencies = dependencies;
  }

  /** The span under which a call made now would stand; null outside any, inside another exit, and where nothing is reported. */
  parent(): SpanRecord | null {
    const { activeSpan, config } = this.#dependencies;
    const span = activeSpan.get();
    if (span === null || span.kind === 2 || span.suppressed) return null;
    return config().tracing.enabled ? span : null;
  }

  /** Headers for a call that gets no span of its own: the level when suppressed, the context of a manual exit span, else nothing. */
  headersWithoutSpan(): OutgoingHeaders {
    const { activeSpan, config } = this.#dependencies;
    if (!config().tracing.enabled) return null;
    const suppression = activeSpan.suppression();
    if (suppression !== null) return this.#suppressedHeaders(suppression.w3c);
    const span = activeSpan.get();
    return span === null ? null : this.headers(span);
  }

  headers(span: SpanRecord): OutgoingHeaders {
    const { traceId, spanId, w3c } = span;
    if (span.suppressed) return this.#suppressedHeaders(w3c);
    if (spanId === '') return null; // ignored, and without a caller: there is nothing to stand below
    const headers = [traceHeader, traceId, spanHeader, spanId, levelHeader, '1'];
    if (!this.#dependencies.config().tracing.w3c.write) return headers;
    headers.push(traceparentHeader, tracedTraceparent(traceId, spanId, w3c));
    headers.push(tracestateHeader, tracedTracestate(traceId, spanId, w3c));
    if (w3c !== null && w3c.baggage !== '') headers.push(baggageHeader, w3c.baggage);
    return headers;
  }

  #suppressedHeaders(w3c: W3cContext | null): OutgoingHeaders {
    const { ids, config } = this.#dependencies;
    const headers = [levelHeader, '0'];
    if (!config().tracing.w3c.write) return headers;
    headers.push(traceparentHeader, suppressedTraceparent(w3c, ids));
    if (w3c === null) return headers;
    if (w3c.tracestate !== '') headers.push(tracestateHeader, w3c.tracestate);
    if (w3c.baggage !== '') headers.push(baggageHeader, w3c.baggage);
    return headers;
  }

  /**
   * Whether trace headers that the application put on a call stand, in place of ours: a context of its own, injected by hand, or the
   * wish that nothing be traced. One that came in with the request being served and was copied from it does not: it names a span
   * above the one that makes this call.
   */
  isSetByApplication(context: OutgoingContext): boolean {
    const active = this.#dependencies.activeSpan.get();
    if (active === null || active.suppressed) return false;
    if (context.level?.trim() === '0') return true;
    const traceId = parseId(context.trace);
    const spanId = parseId(context.span);
    // Correlation with a page is for the first server only.
    if (traceId === null || spanId === null || context.level?.includes(',') === true) return false;
    if (shortId(traceId) !== active.traceId) return true;
    const caller = shortId(spanId);
    // Under a manual span it is not known which span called the server.
    return active.http !== null && caller !== active.parentId && caller !== active.spanId;
  }

  /** Whether a `traceparent` that the application put on a call stands: that of the request being served does not. */
  isTraceparentSetByApplication(value: string | undefined): boolean {
    const { activeSpan } = this.#dependencies;
    if (value === undefined) return true;
    const parent = readTraceparent(value);
    if (parent === null) return true;
    const received = activeSpan.suppression()?.w3c ?? activeSpan.get()?.w3c;
    return received?.traceId !== parent.traceId || received.parentId !== parent.parentId;
  }

  /** Starts the span of a call. `origin` is scheme, host and port, `path` what stands behind, query included. */
  begin(
    parent: SpanRecord,
    method: string,
    origin: string | null,
    path: string,
    below: (...args: never[]) => unknown,
  ): SpanRecord {
    const { recorder, ids, stacks, now, wallClock, config } = this.#dependencies;
    const span = new SpanRecord(
      'node.http.client',
      2,
      parent.traceId,
      ids.next(),
      parent.spanId,
      null,
      wallClock(),
      now(),
      new HttpAttributes(method, path, origin),
    );
    const { stackTrace, stackTraceLength } = config().tracing;
    if (stackTrace === 'all' && stackTraceLength > 0) span.stack = stacks.take(stackTraceLength, below, span.startTick);
    if (parent.w3c !== null) span.w3c = parent.w3c;
    recorder.open(span);
    return span;
  }

  /** The head of the response is there. */
  responded(span: SpanRecord, status: number): void {
    const { http } = span;
    if (http === null || span.isFinished) return;
    http.status = status;
    http.headTick = this.#dependencies.now();
    if (isErrorStatus(status, this.#dependencies.config())) span.errorCount = 1;
  }

  /** Notes headers that are to be captured; `valueFor` gives the value of a lower-case name. */
  capture(span: SpanRecord, valueFor: (name: string) => unknown): void {
    const { http } = span;
    if (http === null || span.isFinished) return;
    for (const name of this.#dependencies.config().tracing.extraHttpHeaders) captureHeader(http, name, valueFor(name));
  }

  /** Whether anything is to be captured at all. */
  get captures(): boolean {
    return this.#dependencies.config().tracing.extraHttpHeaders.length > 0;
  }

  /** The call failed: ends its span with the error. */
  fail(span: SpanRecord, error: unknown): void {
    if (span.isFinished) return;
    const text = failureText(span, error);
    this.abandon(span, text);
    if (this.#dependencies.config().tracing.stackTrace !== 'none') {
      const stack = errorStack(error);
      if (stack !== null) span.stack = { stack };
    }
    this.#dependencies.recorder.finish(span);
  }

  /** Notes an error text without ending the span. */
  abandon(span: SpanRecord, text: string): void {
    if (span.http === null || span.isFinished) return;
    span.http.error ??= text;
    span.errorCount = 1;
  }

  /** The call is over. `consumed` is false when nobody read the response: then it lasted until its head arrived. */
  end(span: SpanRecord, consumed: boolean): void {
    const { http } = span;
    const { recorder } = this.#dependencies;
    if (!consumed && http !== null && http.headTick > 0) recorder.finishAt(span, http.headTick);
    else recorder.finish(span);
  }
}

function isErrorStatus(status: number, config: Config): boolean {
  if (status >= 500) return true;
  if (status < 400) return false;
  const { classifyAsErrors, classifyAll4xxAsErrors } = config.tracing.httpExit;
  return classifyAsErrors.length > 0 ? classifyAsErrors.includes(status) : classifyAll4xxAsErrors;
}

/** An application may destroy a request with any value. */
function failureText(span: SpanRecord, error: unknown): string {
  const name = tryMember(error, 'name');
  if (
    span.http?.timedOut === true ||
    name === 'TimeoutError' ||
    tryMember(tryMember(error, 'cause'), 'name') === 'TimeoutError'
  )
    return 'Timeout exceeded, request aborted';
  return name === 'AbortError' ? 'Request aborted' : errorText(error);
}
