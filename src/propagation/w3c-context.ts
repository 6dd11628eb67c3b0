// The W3C context of a request: what arrived in `traceparent`, `tracestate` and `baggage`, kept for the calls that it makes.

/** Flags of `traceparent`. */
export const sampledFlag = 1;
export const randomFlag = 2;

/** Kept as long as the request may make calls. All texts are valid header values, however malformed the input was. */
export class W3cContext {
  /** 32 digits. Null if there was no `traceparent` and the trace id of X-INSTANA has 16 digits. */
  readonly traceId: string | null;
  /** The caller's span. Null if there was no `traceparent`. */
  readonly parentId: string | null;
  readonly isSampled: boolean;
  /** Whether the caller declares the trace id to be random. */
  readonly isRandom: boolean;
  /** All members of `tracestate`, including Instana's as it arrived. Sent if the request is suppressed. */
  tracestate = '';
  /** The members of other vendors. */
  otherMembers = '';
  /** Instana's own member: the nearest ancestor that an Instana sensor has seen. */
  ancestorTraceId: string | null = null;
  ancestorSpanId: string | null = null;
  baggage = '';

  constructor(traceId: string | null, parentId: string | null, flags: number) {
    this.traceId = traceId;
    this.parentId = parentId;
    this.isSampled = (flags & sampledFlag) !== 0;
    this.isRandom = (flags & randomFlag) !== 0;
  }
}

/** The context of a trace whose id of 32 digits arrived in an X-INSTANA header. */
export function contextOfLongId(traceId: string): W3cContext {
  return new W3cContext(traceId, null, sampledFlag | randomFlag);
}
