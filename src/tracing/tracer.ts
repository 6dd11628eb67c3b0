// InstanaTracer: the OpenTracing 0.14 tracer, for spans that the application makes itself.
import {
  FORMAT_BINARY,
  FORMAT_HTTP_HEADERS,
  FORMAT_TEXT_MAP,
  type Reference,
  Span,
  type SpanContext,
  type SpanOptions,
  Tracer,
} from 'opentracing';
import { InstanaSpan, InstanaSpanContext, textOf } from './manual-span.js';
import { extractBinary, extractTextMap, injectBinary, injectTextMap } from './propagation.js';
import type { Recorder } from './recorder.js';
import type { Scope } from './scope.js';
import { SdkFacts, SpanRecord } from './span.js';
import type { CallStacks } from './stack.js';

export interface TracerDependencies {
  readonly scope: Scope;
  readonly recorder: Recorder;
  readonly ids: { next(): string };
  readonly stacks: CallStacks;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly settings: () => {
    readonly enabled: boolean;
    readonly stackTrace: string;
    readonly stackTraceLength: number;
  };
  readonly warnOnce: (cause: string, message: string) => void;
}

/** OpenTracing's options and one of ours. */
export interface InstanaSpanOptions extends SpanOptions {
  /** Do not take the active span as parent; the span starts a trace of its own unless references say otherwise. */
  ignoreActiveSpan?: boolean;
}

/** Makes, injects and extracts spans by hand. None of its methods throws. */
export class InstanaTracer extends Tracer {
  readonly #connect: () => TracerDependencies;

  /** `connect` is called with every use, so that the first one can start the sensor. */
  constructor(connect: () => TracerDependencies) {
    super();
    this.#connect = connect;
  }

  /**
   * Starts a span: child of the last `child_of` reference, else of the last other one, else of the active span, else a trace of its
   * own. `startTime` is in milliseconds since the epoch.
   */
  override startSpan(name: string, options?: InstanaSpanOptions | null): Span {
    try {
      return this.#start(name, options ?? {});
    } catch {
      return this.#start(name, {}); // options that cannot be read count as none
    }
  }

  #start(name: string, options: InstanaSpanOptions): Span {
    const dependencies = this.#connect();
    const parent = this.#parentOf(options, dependencies);
    const { scope, recorder, ids, stacks, now, wallClock, settings } = dependencies;
    const { enabled, stackTrace, stackTraceLength } = settings();
    const spanId = ids.next();
    const wallMs = wallClock();
    const { startTime } = options;
    const startMs = typeof startTime === 'number' && Number.isFinite(startTime) ? startTime : wallMs;
    const hasParent = parent !== null && parent.traceId !== '';
    const record = new SpanRecord(
      'sdk',
      hasParent ? 3 : 1,
      hasParent ? parent.traceId : spanId,
      spanId,
      hasParent ? parent.spanId : null,
      null,
      startMs,
      // The monotonic time that belongs to the start, so that an end without a time of its own is measured with one clock.
      now() - (wallMs - startMs),
      null,
    );
    record.sdk = new SdkFacts(textOf(name));
    record.w3c = parent === null ? (scope.suppression()?.w3c ?? null) : parent.w3c;
    record.unsampled = !enabled || (parent === null ? scope.isSuppressed() : parent.suppressed);
    if (parent?.baggage !== null && parent?.baggage !== undefined) record.baggage = { ...parent.baggage };
    if (stackTrace === 'all' && stackTraceLength > 0)
      record.stack = stacks.take(stackTraceLength, this.startSpan, now());
    recorder.openManual();
    const span = new InstanaSpan(this, record, recorder, wallClock);
    if (options.tags !== undefined) span.addTags(options.tags);
    return span;
  }

  /** Context of the active span, automatic or manual; null outside any. */
  currentContext(): SpanContext | null {
    return this.currentSpan()?.context() ?? null;
  }

  /** The active span, automatic or manual; null outside any. Tags and logs may be added to it, `finish` on an automatic one is ignored. */
  currentSpan(): Span | null {
    const { scope, recorder, wallClock } = this.#connect();
    const record = scope.active();
    return record === null ? null : new InstanaSpan(this, record, recorder, wallClock);
  }

  /** Runs `fn` with `span` active, in it and in all that it starts; returns what `fn` returns and throws what it throws. */
  withActiveSpan<Result>(span: Span, fn: () => Result): Result {
    const { scope } = this.#connect();
    if (!(span instanceof InstanaSpan)) return fn();
    return scope.apply(span.record, fn, undefined, []);
  }

  /** Writes the context of a span into a carrier. An unknown format is told once on the log and does nothing. */
  override inject(context: SpanContext | Span, format: string, carrier: unknown): void {
    const { warnOnce } = this.#connect();
    try {
      const source = context instanceof Span ? context.context() : context;
      if (!(source instanceof InstanaSpanContext)) return;
      if (format === FORMAT_HTTP_HEADERS || format === FORMAT_TEXT_MAP)
        injectTextMap(source, carrier, format === FORMAT_HTTP_HEADERS);
      else if (format === FORMAT_BINARY) injectBinary(source, carrier);
      else
        warnOnce(
          `inject ${format}`,
          `OpenTracing format ${textOf(format)} is not supported by inject; nothing was written`,
        );
    } catch (error) {
      warnOnce('inject', `the trace context could not be written into a carrier: ${textOf(error)}`);
    }
  }

  /** Reads a context from a carrier; null when there is none in it. */
  override extract(format: string, carrier: unknown): SpanContext | null {
    const { warnOnce } = this.#connect();
    try {
      if (format === FORMAT_HTTP_HEADERS || format === FORMAT_TEXT_MAP)
        return extractTextMap(carrier, format === FORMAT_HTTP_HEADERS);
      if (format === FORMAT_BINARY) return extractBinary(carrier);
      warnOnce(
        `extract ${format}`,
        `OpenTracing format ${textOf(format)} is not supported by extract; there is no context`,
      );
    } catch (error) {
      warnOnce('extract', `the trace context could not be read from a carrier: ${textOf(error)}`);
    }
    return null;
  }

  #parentOf(options: InstanaSpanOptions, { scope }: TracerDependencies): InstanaSpanContext | null {
    const { childOf, references, ignoreActiveSpan } = options;
    const contexts: { readonly context: unknown; readonly isParent: boolean }[] = (references ?? []).map(
      (reference: Reference) => ({
        context: contextOf(reference.referencedContext()),
        isParent: reference.type() === 'child_of',
      }),
    );
    if (childOf !== undefined && childOf !== null) contexts.push({ context: contextOf(childOf), isParent: true });
    const ours = contexts.filter(({ context }) => context instanceof InstanaSpanContext);
    const chosen = (ours.findLast(({ isParent }) => isParent) ?? ours.at(-1))?.context;
    if (chosen instanceof InstanaSpanContext) return chosen;
    if (contexts.length > 0 || ignoreActiveSpan === true) return null;
    const active = scope.active();
    return active === null ? null : InstanaSpanContext.of(active);
  }
}

/** Another copy of opentracing does not know our spans as spans, and puts them into its references as they are. */
function contextOf(parent: unknown): unknown {
  return parent instanceof Span ? parent.context() : parent;
}
