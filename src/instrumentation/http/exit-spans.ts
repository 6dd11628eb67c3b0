// Exit spans of HTTP: whether a call gets one, the trace headers that it sends, and how it ends.
import type { Config } from '../../config/options.js';
import { tryMember } from '../../core/try-get.js';
import { baggageHeader } from '../../propagation/baggage.js';
import { type IdPool, parseId, shortId } from '../../propagation/ids.js';
import { levelHeader, spanHeader, traceHeader } from '../../propagation/trace-headers.js';
import {
  readTraceparent,
  suppressedTraceparent,
  tracedTraceparent,
  traceparentHeader,
} from '../../propagation/traceparent.js';
import { tracedTracestate, tracestateHeader } from '../../propagation/tracestate.js';
import type { W3cContext } from '../../propagation/w3c-context.js';
import type { ActiveSpan } from '../../spans/active-span.js';
import type { CallStacks } from '../../spans/call-stack.js';
import { errorStack, errorText } from '../../spans/error-text.js';
import type { Recorder } from '../../spans/recorder.js';
import { HttpAttributes, SpanRecord } from '../../spans/span.js';
import { captureHeaders, capturesHeaders } from './captured-headers.js';

/** Trace headers of a call: name, value, name, value; null for none. */
export type OutgoingHeaders = readonly string[] | null;

/** Trace headers that the application has set on a call. */
export interface OutgoingContext {
  trace?: string;
  span?: string;
  level?: string;
  parent?: string;
}

/** The parts of the sensor that exit spans use. */
export interface ExitSpanDependencies {
  readonly recorder: Recorder;
  readonly activeSpan: ActiveSpan;
  readonly ids: IdPool;
  readonly stacks: CallStacks;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly config: () => Config;
  /** Patches modules of Node.js that were loaded in a way that no hook sees. */
  readonly patchLoadedBuiltins: () => void;
}

/** Begins and ends the exit spans of all HTTP clients of the process. */
export class HttpExitSpans {
  readonly #dependencies: ExitSpanDependencies;

  constructor(dependencies: ExitSpanDependencies) {
    this.#dependencies = dependencies;
  }

  /** The parent span for a call made now; null outside any span, inside another exit span, and if the span is not reported. */
  parent(): SpanRecord | null {
    const { activeSpan, config } = this.#dependencies;
    const span = activeSpan.get();
    if (span === null || span.kind === 2 || span.suppressed) return null;
    return config().tracing.enabled ? span : null;
  }

  /** Headers of a call without a span: level 0 if suppressed, the context of a manual exit span, otherwise null. */
  headersWithoutSpan(): OutgoingHeaders {
    const { activeSpan, config } = this.#dependencies;
    if (!config().tracing.enabled) return null;
    const suppression = activeSpan.suppression();
    if (suppression !== null) return this.#suppressedHeaders(suppression.w3c);
    const span = activeSpan.get();
    return span === null ? null : this.headers(span);
  }

  /** Headers of a call with this span. */
  headers(span: SpanRecord): OutgoingHeaders {
    const { traceId, spanId, w3c } = span;
    if (span.suppressed) return this.#suppressedHeaders(w3c);
    if (spanId === '') return null; // ignored and without a caller, so there is no parent to name
    if (!this.#dependencies.config().tracing.w3c.write)
      return [traceHeader, traceId, spanHeader, spanId, levelHeader, '1'];
    // One literal: a list that grows is copied each time.
    const headers = [
      traceHeader,
      traceId,
      spanHeader,
      spanId,
      levelHeader,
      '1',
      traceparentHeader,
      tracedTraceparent(traceId, spanId, w3c),
      tracestateHeader,
      tracedTracestate(traceId, spanId, w3c),
    ];
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
   * Whether the application means the trace headers that it has set on a call: another trace context, or level 0. Headers that it
   * copied from the request being served do not count, because they name a span above the one that makes this call.
   */
  isSetByApplication(context: OutgoingContext): boolean {
    const active = this.#dependencies.activeSpan.get();
    if (active === null || active.suppressed) return false;
    if (context.level?.trim() === '0') return true;
    const traceId = parseId(context.trace);
    const spanId = parseId(context.span);
    // Correlation with a page is meant for the first server only.
    if (traceId === null || spanId === null || context.level?.includes(',') === true) return false;
    if (shortId(traceId) !== active.traceId) return true;
    const caller = shortId(spanId);
    // In a manual span the caller of the server is not known.
    return active.http !== null && caller !== active.parentId && caller !== active.spanId;
  }

  /** Whether the application means the `traceparent` that it has set on a call. That of the request being served does not count. */
  isTraceparentSetByApplication(value: string | undefined): boolean {
    const { activeSpan } = this.#dependencies;
    if (value === undefined) return true;
    const parent = readTraceparent(value);
    if (parent === null) return true;
    const received = activeSpan.suppression()?.w3c ?? activeSpan.get()?.w3c;
    return received?.traceId !== parent.traceId || received.parentId !== parent.parentId;
  }

  /**
   * Starts the span of a call. `origin` is scheme, host and port, `path` includes the query. The stack of the span begins at the caller
   * of `stackStartFn`.
   */
  begin(
    parent: SpanRecord,
    method: string,
    origin: string | null,
    path: string,
    stackStartFn: (...args: never[]) => unknown,
  ): SpanRecord {
    const { recorder, ids, stacks, now, wallClock, config, patchLoadedBuiltins } = this.#dependencies;
    // The next call may be one with `https`, which an ES module can import without a hook noticing (docs/notes/start-up.md).
    patchLoadedBuiltins();
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
    if (stackTrace === 'all' && stackTraceLength > 0)
      span.stack = stacks.take(stackTraceLength, stackStartFn, span.startTick);
    if (parent.w3c !== null) span.w3c = parent.w3c;
    recorder.open(span);
    return span;
  }

  /** The head of the response has arrived. */
  responded(span: SpanRecord, status: number): void {
    const { http } = span;
    if (http === null || span.isFinished) return;
    http.status = status;
    http.headTick = this.#dependencies.now();
    if (isErrorStatus(status, this.#dependencies.config())) span.errorCount = 1;
  }

  /** Captures the configured headers. `read` returns the value for a lower-case name. */
  capture(span: SpanRecord, read: (name: string) => unknown): void {
    const { http } = span;
    if (http !== null && !span.isFinished) captureHeaders(this.#dependencies.config(), http, read);
  }

  /** Whether any headers are to be captured. */
  get capturesHeaders(): boolean {
    return capturesHeaders(this.#dependencies.config());
  }

  /** Ends the span of a failed call with its error. */
  fail(span: SpanRecord, error: unknown): void {
    if (span.isFinished) return;
    const text = failureText(span, error);
    this.setError(span, text);
    if (this.#dependencies.config().tracing.stackTrace !== 'none') {
      const stack = errorStack(error);
      if (stack !== null) span.stack = { stack };
    }
    this.#dependencies.recorder.finish(span);
  }

  /** Sets an error text without ending the span. An earlier one stays. */
  setError(span: SpanRecord, text: string): void {
    if (span.http === null || span.isFinished) return;
    span.http.error ??= text;
    span.errorCount = 1;
  }

  /** Ends the span of a call. If the response was not `consumed`, the call ended when the head of the response arrived. */
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
