// Sees to it that spans reach their receivers when the process ends.
import type { InternalErrors } from './core/internal-errors.js';
import type { FinalRequest } from './export/exit-flush.js';
import type { HttpEntrySpans } from './instrumentation/http/entry-spans.js';

export interface LifecycleDependencies {
  readonly errors: InternalErrors;
  readonly entrySpans: HttpEntrySpans;
  /** The requests with what still waits, made when the process exits. */
  readonly finalRequests: () => FinalRequest[];
}

/** How long the end of the process is delayed at most for the last spans; with a healthy agent it takes 40 to 60 ms. */
const exitFlushMs = 300;

/** Does not change when or how the process ends, except for a short delay to deliver the last spans. */
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

  #deliver(): void {
    const requests = this.#dependencies.finalRequests();
    if (requests.length === 0) return;
    const { flushAtExit } = require('./export/exit-flush.js') as typeof import('./export/exit-flush.js');
    flushAtExit(requests, exitFlushMs);
  }
}

/** Whether this is the main thread. `node:worker_threads` is loaded with the first call. */
export function isMainThread(): boolean {
  return (require('node:worker_threads') as typeof import('node:worker_threads')).isMainThread;
}
