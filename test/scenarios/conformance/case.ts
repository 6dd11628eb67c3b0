// The form of a conformance case: requests to one small app, and what each must be recorded as.
import type { RequestSpec } from '../../support/exchange.js';

/** A framework version, or a pair of framework and router, under one way of loading the sensor. */
export interface Target {
  readonly name: string;
  readonly framework: 'http' | 'https' | 'express' | 'koa';
  /** Major of Express or Koa; 0 for Node's own servers. */
  readonly major: number;
  readonly router: { readonly name: string; readonly major: number } | null;
  readonly file: string;
  readonly loader: 'require' | 'import';
  readonly env?: Readonly<Record<string, string>>;
  /** Another Node.js than the one that runs the tests. */
  readonly node?: string;
}

/** One value, or a list of values of which any will do; undefined in the list means that the member may be absent. */
export type OneOf<T> = T | readonly (T | undefined)[];

/** A request and its entry span. What is left out has a default, so that a step says only what is special. */
export interface Step extends RequestSpec {
  /** Which of the case's apps; default: its only one. */
  readonly to?: string;
  /** How often; `{i}` in the path is the number of the turn. Together means at once, else one by one on one socket. */
  readonly repeat?: { readonly count: number; readonly together: boolean };
  /** True: no trace headers are sent, and the span is found by its path, which must be used once only. */
  readonly bare?: boolean;
  /** Status of the reply and of the span, 200 by default. Null: there is neither. */
  readonly status?: number | null;
  /** Status of the span where the reply has another or none; null: absent. */
  readonly spanStatus?: OneOf<number> | null;
  readonly replyBody?: string | RegExp;
  /** False: the replies need not be the same with and without the sensor, since they are not the same twice either. */
  readonly comparable?: boolean;
  /** Route template; absent by default. */
  readonly tpl?: OneOf<string>;
  /** Text in `data.http.error`; absent by default. */
  readonly error?: OneOf<string | RegExp>;
  /** Error count; by default 1 from status 500 on. */
  readonly ec?: number;
  /** `data.http.url`; by default the path without its query. */
  readonly url?: string | RegExp;
  readonly params?: string;
  readonly host?: string;
  /** How many entry spans, 1 by default; or the least and the most. */
  readonly entries?: number | readonly [number, number];
  /** Paths of the calls that the app makes downstream, each an exit span below the entry. */
  readonly exits?: readonly string[];
  readonly minDurationMs?: number;
  /** The body came in pieces over at least this time: nothing held it back. */
  readonly minSpreadMs?: number;
  /** True: the span was sent by the watchdog, marked with the tag `unfinished`. */
  readonly unfinished?: boolean;
}

export interface Case {
  readonly id: string;
  readonly title: string;
  /** Which targets it applies to; all of the list by default. */
  readonly on?: (target: Target) => boolean;
  readonly steps: readonly Step[] | ((target: Target) => readonly Step[]);
}

/** `GET` when the path has no method before it. */
export function step(line: string, rest: Omit<Step, 'path' | 'method'> = {}): Step {
  const space = line.indexOf(' ');
  return space < 0 ? { ...rest, path: line } : { ...rest, method: line.slice(0, space), path: line.slice(space + 1) };
}
