// Types of a span's JSON form, as sent to the agent.

/** 1 entry: incoming work; 2 exit: an outgoing call; 3 intermediate: work in between. */
export type SpanKind = 1 | 2 | 3;

/** One frame of a stack trace: method, file, line. File and line may be absent. */
export interface StackFrame {
  readonly m: string;
  readonly c?: string;
  readonly n?: number;
}

/** The source of a span: `e` is the reporting pid as text, `h` the agent's id. */
export interface SpanSourceIds {
  readonly e: string;
  readonly h?: string;
}

/** Section `data.http` of a span of an incoming or outgoing HTTP request. */
export interface WireHttp {
  readonly method?: string;
  readonly url?: string;
  readonly params?: string;
  readonly host?: string;
  readonly status?: number;
  readonly path_tpl?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly error?: string;
}

/** Section `data.sdk` of a manual span. */
export interface WireSdk {
  readonly name?: string;
  readonly type?: 'entry' | 'exit' | 'intermediate' | 'local';
  readonly custom?: {
    readonly tags?: Readonly<Record<string, unknown>>;
    readonly logs?: Readonly<Record<string, unknown>>;
  };
}

/** A span as a sensor sends it. Spans of other sensors may have more sections and lack `k`. */
export interface WireSpan {
  readonly t: string;
  readonly s: string;
  readonly p?: string;
  readonly lt?: string;
  readonly n: string;
  readonly k?: SpanKind;
  readonly f?: SpanSourceIds;
  readonly ts: number;
  readonly d: number;
  readonly ec: number;
  readonly stack?: readonly StackFrame[];
  readonly sy?: true;
  readonly crtp?: string;
  readonly crid?: string;
  /** Trace id and parent id come from `traceparent`. */
  readonly tp?: true;
  /** The nearest Instana ancestor, from `tracestate`. */
  readonly ia?: { readonly t: string; readonly p: string };
  readonly data: {
    readonly http?: WireHttp;
    readonly sdk?: WireSdk;
    readonly service?: string;
    readonly [section: string]: unknown;
  };
}
