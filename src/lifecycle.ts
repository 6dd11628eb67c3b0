// What happens to spans when the process ends, and to those that the application forgets.
import type { InternalErrors } from './core/internal-errors.js';
import type { FinalRequest } from './export/exit-flush.js';
import type { HttpEntrySpans } from './instrumentation/http/entry-spans.js';
import type { HttpExitSpans } from './instrumentation/http/exit-spans.js';
import type { Recorder } from './spans/recorder.js';
import type { SpanRecord } from './spans/span.js';

export interface LifecycleDependencies {
  readonly errors: InternalErrors;
  readonly recorder: Recorder;
  readonly entrySpans: HttpEntrySpans;
  readonly exitSpans: HttpExitSpans;
  readonly now: () => number;
  /** How long a request may stay without a response. */
  readonly maxRequestMs: () => number;
  /** The requests with what still waits, made when the process exits. */
  readonly finalRequests: () => FinalRequest[];
}

/** An outgoing call whose response is not read to its end counts as over this long after the head of the response arrived. */
const unreadResponseMs = 10_000;
/** How long the end of the process is delayed at most for the last spans; with a healthy agent it takes 40 to 60 ms. */
const exitFlushMs = 300;

/** Changes nothing about when and how the process ends, but for the delay of a last delivery. */
export class Lifecycle {
  readonly #dependencies: LifecycleDependencies;
  #isEndWatched = false;

  constructor(dependencies: LifecycleDependencies) {
    this.#dependencies = dependencies;
  }

  /** Delivers the last spans when the process exits, unless a signal ends it. Does nothing in worker threads, or after the first call. */
  watchEnd(): void {
    if (this.#isEndWatched || !isMainThread()) return;
    this.#isEndWatched = true;
    const { errors, entrySpans } = this.#dependencies;
    process.on(
      'uncaughtExceptionMonitor',
      errors.quietly('uncaught error', (error: unknown) => entrySpans.failUncaught(error)),
    );
    process.on(
      'exit',
      errors.quietly('exit', () => {
        entrySpans.endFailed();
        this.#deliver();
      }),
    );
  }

  /** Ends the spans that the application seems to have forgotten, so that they are sent and do not take up memory for ever. */
  expireForgotten(): void {
    const { recorder, now, maxRequestMs } = this.#dependencies;
    const maxMs = maxRequestMs();
    const nowMs = now();
    recorder.expire(Math.min(maxMs, unreadResponseMs), (span) => this.#expire(span, nowMs, maxMs));
  }

  #expire(span: SpanRecord, nowMs: number, maxRequestMs: number): void {
    const { entrySpans, exitSpans } = this.#dependencies;
    const headTick = span.http?.headTick ?? 0;
    if (headTick > 0 && nowMs - headTick >= unreadResponseMs) exitSpans.end(span, false);
    else if (nowMs - span.startTick >= maxRequestMs) entrySpans.expire(span, maxRequestMs);
  }

  #deliver(): void {
    const requests = this.#dependencies.finalRequests();
    if (requests.length === 0) return;
    const { flushAtExit } = require('./export/exit-flush.js') as typeof import('./export/exit-flush.js');
    flushAtExit(requests, exitFlushMs);
  }
}

/** Loads the module that says so when it is first asked. */
export function isMainThread(): boolean {
  return (require('node:worker_threads') as typeof import('node:worker_threads')).isMainThread;
}
