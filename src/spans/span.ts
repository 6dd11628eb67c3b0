// The record of one span inside the process: plain, of fixed shape, for automatic and manual spans alike.

import type { W3cContext } from '../propagation/w3c-context.js';
import type { SpanKind, StackFrame } from '../protocol/wire-span.js';

/** The route of one request, recorded by a framework's instrumentation while the request runs. */
export interface RouteState {
  /** The template of the route that responded with this status; null if no route did. Reads `response` only if necessary. */
  template(status: number, response: { readonly req?: unknown }): string | null;
}

/** The connection of an outgoing request that is in progress. */
export interface Transfer {
  /** The socket that the request uses now; null if it has none, or if it is unknown. */
  readonly socket: object | null;
  /** Whether the application has begun to read the response. */
  readonly hasReader: boolean;
}

/** Attributes of an HTTP request, incoming (entry) or outgoing (exit). Members are null until known. */
export class HttpAttributes {
  readonly method: string;
  /** As on the request line (entry) or as requested (exit). The encoder redacts it. */
  readonly url: string;
  /** Entry: the Host header. Exit: scheme, host and port, which precede the path. */
  readonly host: string | null;
  status = 0;
  template: string | null = null;
  /** The application set the template through the span API: the instrumentation no longer changes it. */
  templateFrozen = false;
  error: string | null = null;
  headers: Record<string, string> | null = null;
  /** Exit: monotonic time at which the response head arrived, in milliseconds; 0 before that. */
  headTick = 0;
  /** Exit: how far the request is, until its span finishes. Null if unknown. */
  transfer: Transfer | null = null;
  /** Exit: the request emitted a timeout event. */
  timedOut = false;
  /** Entry: bytes already written to the connection when the request arrived. */
  bytesBefore = 0;
  /** Entry: the framework's view of the route, read once at the end of the request. */
  route: RouteState | null = null;
  /** Entry: request and response objects until the response closes. Only compared, and read for the scheme. */
  request: object | null = null;
  response: object | null = null;
  /** Entry: scheme of the request. Set when the span finishes, for OTLP only; null if unknown. */
  scheme: 'http' | 'https' | null = null;

  constructor(method: string, url: string, host: string | null) {
    this.method = method;
    this.url = url;
    this.host = host;
  }
}

/** A section of `data` other than `http` and `sdk`. */
export interface SpanSection {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Attributes of a manual span, or tags that the application added to an automatic one. */
export class SdkAttributes {
  name: string | null;
  tags: Record<string, unknown> = Object.create(null);
  logs: Record<string, Record<string, unknown>> | null = null;
  /** Numbers of tags and log fields kept, then of those cut because there were too many. */
  tagCount = 0;
  logCount = 0;
  cutTags = 0;
  cutLogs = 0;
  /** Length of all text in tags and logs; the recorder uses it to bound memory. */
  estimatedBytes = 0;
  /** A tag or log field holds one of the application's objects. */
  holdsObjects = false;
  /** Tags turned into a section of `data`. Set when a span finishes whose operation name is that of a protocol; else null. */
  section: SpanSection | null = null;

  constructor(name: string | null) {
    this.name = name;
  }
}

/** An object whose `stack` is read later. V8 formats it on the first read, which is too slow during a request. */
export interface CapturedStack {
  readonly stack?: unknown;
}

/** One span. The recorder finishes, encodes and empties it, and owns it from `finish` on. */
export class SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  /** The incoming trace id with all its 32 digits; null if it was shorter. Entry spans only. */
  readonly longTraceId: string | null;
  /** Constant, except for a manual span with the operation name of a protocol: it takes the protocol's span name when it finishes. */
  name: string;
  kind: SpanKind;
  /** Wall-clock start, in milliseconds since the epoch. */
  startMs: number;
  /** Monotonic start, in milliseconds; the duration is measured from it. */
  startTick: number;
  /** In milliseconds; negative while the span is open. */
  durationMs = -1;
  errorCount = 0;
  correlationType: string | null = null;
  correlationId: string | null = null;
  /** The W3C context that outgoing calls forward; all spans of a request share one object. */
  w3c: W3cContext | null = null;
  /** Trace id and parent id come from a `traceparent` header. Entry spans only. */
  fromTraceparent = false;
  synthetic = false;
  http: HttpAttributes | null;
  sdk: SdkAttributes | null = null;
  /** Parsed frames, or the captured stack to read them from. */
  stack: readonly StackFrame[] | CapturedStack | null = null;
  /** OpenTracing baggage; null if there is none, and for automatic spans. */
  baggage: Readonly<Record<string, string>> | null = null;
  /** Not reported, and neither are its children: not sampled, tracing switched off, or an ignored request. */
  suppressed = false;
  /** OTLP span kind of a manual span; 0 if unset. */
  otlpKind: 0 | 2 | 3 | 4 | 5 = 0;
  /** Not reported itself, but its children may be. Its span id is that of its parent, or empty. */
  ignored = false;
  /** Number of queues that still have to encode the finished span; set only if there are several. */
  pendingEncoders = 0;
  /** Estimated size while the span waits, in bytes. */
  estimatedBytes = 0;
  /** Neighbours in the recorder's linked list of open spans. */
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
    this.parentId = parentId === '' ? null : parentId; // the parent is ignored and has no parent itself
    this.longTraceId = longTraceId;
    this.startMs = startMs;
    this.startTick = startTick;
    this.http = http;
  }

  get isFinished(): boolean {
    return this.durationMs >= 0;
  }

  /** The attributes for tags and logs, created on first use. */
  sdkAttributes(): SdkAttributes {
    this.sdk ??= new SdkAttributes(null);
    return this.sdk;
  }
}
