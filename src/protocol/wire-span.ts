// The span as it crosses the network: the types of its JSON form.

/** 1 entry: work asked for from outside; 2 exit: a call to something outside; 3 intermediate: work in between. */
export type SpanKind = 1 | 2 | 3;

/** One frame of a stack trace: method, file, line. File and line may be absent. */
export interface StackFrame {
  readonly m: string;
  readonly c?: string;
  readonly n?: number;
}

/** Where a span comes from: `e` the reporting pid as text, `h` the agent's id. */
export interface SpanSourceIds {
  readonly e: string;
  readonly h?: string;
}

/** Section `data.http` of a span of an HTTP request, served or made. */
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

/** Section `data.sdk` of a span that was made by hand. */
export interface WireSdk {
  readonly name?: string;
  readonly type?: 'entry' | 'exit' | 'intermediate' | 'local';
  readonly custom?: {
    readonly tags?: Readonly<Record<string, unknown>>;
    readonly logs?: Readonly<Record<string, unknown>>;
  };
}

/** A span as a sensor sends it; those of other sensors may carry more sections and lack `k`. */
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
  /** Trace and parent come from `traceparent`. */
  readonly tp?: true;
  /** The nearest ancestor that a sensor of Instana has seen, by `tracestate`. */
  readonly ia?: { readonly t: string; readonly p: string };
  readonly data: {
    readonly http?: WireHttp;
    readonly sdk?: WireSdk;
    readonly service?: string;
    readonly [section: string]: unknown;
  };
}
