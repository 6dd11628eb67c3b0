// A span while it lives inside the process: a plain record of fixed shape, for automatic and manual spans alike.

import type { W3cContext } from '../propagation/w3c.js';
import type { SpanKind, StackFrame } from '../protocol/wire-span.js';

/** Kept by a framework's instrumentation while a request runs. */
export interface RouteState {
  /** The template of the route that answered with this status, null when none did. `response` is looked at only when it must be. */
  template(status: number, response: { readonly req?: unknown }): string | null;
}

/** Facts of a request, served or made. Members are null until known. */
export class HttpAttributes {
  readonly method: string;
  /** As it was on the request line (entry) or as it was asked for (exit); cleaned when it is encoded. */
  readonly url: string;
  /** Entry: the Host header. Exit: scheme, host and port that stand before the path. */
  readonly host: string | null;
  status = 0;
  template: string | null = null;
  /** Set by the application through the span API: automatic values no longer change the template. */
  templateFrozen = false;
  error: string | null = null;
  headers: Record<string, string> | null = null;
  /** Exit: monotonic time at which the response's head arrived; 0 before. */
  headTick = 0;
  /** Exit: a timeout event was seen. */
  timedOut = false;
  /** Entry: what had been written to the connection when the request came, in bytes. */
  bytesBefore = 0;
  /** Entry: what a framework knows about the route, asked once at the end. */
  route: RouteState | null = null;
  /** Entry: the objects of the request, until the response is closed; only ever compared. */
  request: object | null = null;
  response: object | null = null;
  /** Entry, finished, where spans are sent as OTLP: the scheme by which the request came; null when unknown. */
  scheme: 'http' | 'https' | null = null;

  constructor(method: string, url: string, host: string | null) {
    this.method = method;
    this.url = url;
    this.host = host;
  }
}

/** A section of `data` besides `http` and `sdk`. */
export interface SpanSection {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Facts of a manual span, and tags that somebody added to an automatic one. */
export class SdkAttributes {
  name: string | null;
  readonly tags: Record<string, unknown> = Object.create(null);
  logs: Record<string, Record<string, unknown>> | null = null;
  /** How many tags, and fields of logs, are kept; and how many were too many. */
  tagCount = 0;
  logCount = 0;
  cutTags = 0;
  cutLogs = 0;
  /** Length of the texts in tags and logs, for the recorder's bound. */
  estimatedBytes = 0;
  /** A tag or log is an object of the application's. */
  holdsObjects = false;
  /** Tags that have become a section of their own: set at the end of a span whose name stands for a protocol. */
  section: SpanSection | null = null;

  constructor(name: string | null) {
    this.name = name;
  }
}

/** Something whose `stack` can be read later; V8 formats it on the first read, which is too slow for a request. */
export interface CapturedStack {
  readonly stack?: unknown;
}

/** One span. Finished, encoded and emptied by the recorder, which owns it from `finish` on. */
export class SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  /** The 32 digits of a trace id that came in; entry spans only. */
  readonly longTraceId: string | null;
  /** Fixed, but for a span by hand whose operation name stands for a protocol: then that of the protocol, from its end on. */
  name: string;
  kind: SpanKind;
  /** Wall clock, milliseconds since the epoch. */
  startMs: number;
  /** Monotonic clock, milliseconds; the duration is measured with it. */
  startTick: number;
  /** Milliseconds; negative while the span is open. */
  durationMs = -1;
  errorCount = 0;
  correlationType: string | null = null;
  correlationId: string | null = null;
  /** What calls pass on in W3C headers; the same object in all spans of a request. */
  w3c: W3cContext | null = null;
  /** Trace and parent are those of a `traceparent`; entry spans only. */
  fromTraceparent = false;
  synthetic = false;
  http: HttpAttributes | null;
  sdk: SdkAttributes | null = null;
  /** Frames, or what they are read from. */
  stack: readonly StackFrame[] | CapturedStack | null = null;
  /** OpenTracing baggage; null for automatic spans. */
  baggage: Readonly<Record<string, string>> | null = null;
  /** `sampling.priority` of at most 0: children inherit it, nothing is reported. */
  suppressed = false;
  /** Spans by hand: their kind as OTLP tells kinds apart; 0 when nobody has told it. */
  otlpKind: 0 | 2 | 3 | 4 | 5 = 0;
  /** Not reported itself; what is below it may be. Its span id is then that of its parent, or empty. */
  ignored = false;
  /** Finished: how many queues still have to encode it, where several do. */
  pendingEncoders = 0;
  /** What it is taken to weigh while it waits, in bytes. */
  estimatedBytes = 0;
  /** Neighbours in the recorder's list of open spans. */
  previousOpen: SpanRecord | null = null;
  nextOpen: SpanRecord | null = null;

  constructor(
    name: string,
    kind: SpanKind,
    traceId: string,
    spanId: string,
    parentId: string | null,
    longTraceId: string | null,
    startMs: number,
    startTick: number,
    http: HttpAttributes | null,
  ) {
    this.name = name;
    this.kind = kind;
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId === '' ? null : parentId; // below an ignored span without a parent
    this.longTraceId = longTraceId;
    this.startMs = startMs;
    this.startTick = startTick;
    this.http = http;
  }

  get isFinished(): boolean {
    return this.durationMs >= 0;
  }

  /** The section for tags and logs, made on first use. */
  sdkAttributes(): SdkAttributes {
    this.sdk ??= new SdkAttributes(null);
    return this.sdk;
  }
}
