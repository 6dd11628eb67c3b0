// InstanaTracer, the OpenTracing 0.14 tracer: manual spans, inject and extract.
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
import type { ActiveSpan } from '../spans/active-span.js';
import type { CallStacks } from '../spans/call-stack.js';
import { SdkAttributes, SpanRecord } from '../spans/span.js';
import { extractBinary, extractTextMap, injectBinary, injectTextMap } from './carriers.js';
import { InstanaSpan, isTime, type SpanDependencies } from './opentracing-span.js';
import { kindOf } from './registered-spans.js';
import { InstanaSpanContext } from './span-context.js';
import { operationName, textOf } from './tag-limits.js';

export interface TracerDependencies extends SpanDependencies {
  readonly activeSpan: ActiveSpan;
  readonly ids: { next(): string };
  readonly stacks: CallStacks;
  readonly now: () => number;
  /** Calls are traced below a span: what was loaded without a hook noticing is patched before it. */
  readonly patchLoadedBuiltins: () => void;
  readonly settings: () => {
    readonly enabled: boolean;
    readonly stackTrace: string;
    readonly stackTraceLength: number;
  };
}

/** OpenTracing's options and one more. */
export interface InstanaSpanOptions extends SpanOptions {
  /** Ignore the active span: without references, the span starts a new trace. */
  ignoreActiveSpan?: boolean;
}

/** Starts manual spans, and injects and extracts their contexts. None of its methods throws. */
export class InstanaTracer extends Tracer {
  readonly #connect: () => TracerDependencies;
  #connected: TracerDependencies | null = null;

  /** `connect` is called on first use, and can start the sensor. */
  constructor(connect: () => TracerDependencies) {
    super();
    this.#connect = connect;
  }

  /**
   * Starts a span. Its parent is the last `child_of` reference, or else the last other reference, or else the active span. Without a
   * parent it starts a new trace. `startTime` is in milliseconds since the epoch.
   */
  override startSpan(name: string, spanOptions?: InstanaSpanOptions | null): Span {
    const dependencies = this.#dependencies();
    const { activeSpan, recorder, ids, stacks, now, wallClock, settings, patchLoadedBuiltins } = dependencies;
    const options = spanOptions ?? noOptions;
    const parent = parentOf(options, activeSpan);
    const { enabled, stackTrace, stackTraceLength } = settings();
    const spanId = ids.next();
    const wallMs = wallClock();
    const startTime = read(options, 'startTime');
    const startMs = isTime(startTime) ? startTime : wallMs;
    const tick = now();
    const hasParent = parent !== null && parent.traceId !== '';
    const record = new SpanRecord(
      'sdk',
      hasParent && parent.spanId !== '' ? 3 : 1, // an ignored request without a caller has no span id
      hasParent ? parent.traceId : spanId,
      spanId,
      hasParent ? parent.spanId : null,
      null,
      startMs,
      // The monotonic time of the start, so that the duration is measured with one clock unless the end has its own time.
      tick - (wallMs - startMs),
      null,
    );
    record.sdk = new SdkAttributes(operationName(name));
    record.kind = kindOf(record.sdk.name) ?? record.kind;
    record.w3c = parent === null ? (activeSpan.suppression()?.w3c ?? null) : parent.w3c;
    record.suppressed = !enabled || isSuppressed(parent, activeSpan);
    if (parent !== null) record.baggage = parent.baggage;
    if (stackTrace === 'all' && stackTraceLength > 0 && !record.suppressed)
      record.stack = stacks.take(stackTraceLength, this.startSpan, tick);
    recorder.openManual();
    patchLoadedBuiltins();
    const span = new InstanaSpan(this, record, dependencies);
    const tags = read(options, 'tags');
    if (typeof tags === 'object' && tags !== null) span.addTags(tags);
    return span;
  }

  /** Context of the active span, automatic or manual; null outside any. */
  currentContext(): SpanContext | null {
    return this.currentSpan()?.context() ?? null;
  }

  /** The active span, automatic or manual; null outside any. It accepts tags and logs. `finish` of an automatic one is ignored. */
  currentSpan(): Span | null {
    const dependencies = this.#dependencies();
    const record = dependencies.activeSpan.get();
    return record === null ? null : new InstanaSpan(this, record, dependencies);
  }

  /** Runs `fn` with `span` active, including everything that `fn` starts. Returns or throws what `fn` does. */
  withActiveSpan<Result>(span: Span, fn: () => Result): Result {
    const { activeSpan } = this.#dependencies();
    const record = ourContext(span);
    return record instanceof SpanRecord ? activeSpan.apply(record, fn, undefined, []) : fn();
  }

  /** Writes the context of a span into a carrier. An unknown format has no effect and is logged once. */
  override inject(context: SpanContext | Span, format: string, carrier: unknown): void {
    const { warnOnce } = this.#dependencies();
    try {
      const source = context instanceof Span ? context.context() : context;
      if (!(source instanceof InstanaSpanContext)) return;
      if (format === FORMAT_HTTP_HEADERS || format === FORMAT_TEXT_MAP)
        injectTextMap(source, carrier, format === FORMAT_HTTP_HEADERS);
      else if (format === FORMAT_BINARY) injectBinary(source, carrier);
      else warnOnce(`inject ${textOf(format)}`, unsupported(format, 'inject'));
    } catch (error) {
      warnOnce('inject', `the trace context could not be written into a carrier: ${textOf(error)}`);
    }
  }

  /** Reads a context from a carrier; null if it has none. */
  override extract(format: string, carrier: unknown): SpanContext | null {
    const { warnOnce } = this.#dependencies();
    try {
      if (format === FORMAT_HTTP_HEADERS || format === FORMAT_TEXT_MAP)
        return extractTextMap(carrier, format === FORMAT_HTTP_HEADERS);
      if (format === FORMAT_BINARY) return extractBinary(carrier);
      warnOnce(`extract ${textOf(format)}`, unsupported(format, 'extract'));
    } catch (error) {
      warnOnce('extract', `the trace context could not be read from a carrier: ${textOf(error)}`);
    }
    return null;
  }

  #dependencies(): TracerDependencies {
    this.#connected ??= this.#connect();
    return this.#connected;
  }
}

function unsupported(format: unknown, by: string): string {
  return `OpenTracing format ${textOf(format)} is not supported by ${by}; there is no context`;
}

type Parent = SpanRecord | InstanaSpanContext;

const noOptions: InstanaSpanOptions = Object.freeze({});

/** An option of the application; undefined if its getter throws. */
function read<Name extends keyof InstanaSpanOptions>(
  options: InstanaSpanOptions,
  name: Name,
): InstanaSpanOptions[Name] | undefined {
  try {
    return options[name];
  } catch {
    return undefined;
  }
}

/** Null for a root span: without a parent, without the active span if it is to be ignored, or with a parent of another tracer. */
function parentOf(options: InstanaSpanOptions, activeSpan: ActiveSpan): Parent | null {
  const childOf: unknown = read(options, 'childOf');
  const direct = ourContext(childOf);
  if (direct !== null) return direct;
  const references: unknown = read(options, 'references');
  if ((childOf === undefined || childOf === null) && (references === undefined || references === null))
    return read(options, 'ignoreActiveSpan') === true ? null : activeSpan.get();
  const { parent, isNamed } = lastReference(references);
  if (parent !== null) return parent;
  const isForeign = isNamed || (childOf !== undefined && childOf !== null);
  return isForeign || read(options, 'ignoreActiveSpan') === true ? null : activeSpan.get();
}

/** The last `child_of` reference to our spans, or else the last other one, and whether there are references at all. */
function lastReference(references: unknown): { readonly parent: Parent | null; readonly isNamed: boolean } {
  let parent: Parent | null = null;
  let isChild = false;
  let isNamed = false;
  try {
    for (const reference of Array.isArray(references) ? (references as readonly Reference[]) : []) {
      const context = ourContext(reference.referencedContext());
      const isChildOf = reference.type() === 'child_of';
      isNamed = true;
      if (context === null || (isChild && !isChildOf)) continue;
      parent = context;
      isChild = isChildOf;
    }
  } catch {
    // An invalid reference ends the list.
  }
  return { parent, isNamed };
}

/** Accepts spans as well: another copy of opentracing does not recognise our spans and puts them into its references as they are. */
function ourContext(context: unknown): Parent | null {
  try {
    if (context instanceof InstanaSpan) return context.record;
    return context instanceof InstanaSpanContext ? context : null;
  } catch {
    return null; // a proxy
  }
}

function isSuppressed(parent: Parent | null, activeSpan: ActiveSpan): boolean {
  return parent === null ? activeSpan.isSuppressed() : parent.suppressed;
}
