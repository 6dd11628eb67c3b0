// Prints traces once they seem complete, no more of them than a person can read.

import { hasError, kindOf, operationOf, pathOf, statusOf } from '../store/received-span.js';
import type { StoredTrace, TraceStore } from '../store/traces.js';
import type { Paint } from './colors.js';
import { visible } from './colors.js';
import { drawTrace } from './trace-tree.js';

export interface TracePrinterOptions {
  write(text: string): void;
  readonly paint: Paint;
  readonly traces: Pick<TraceStore, 'serviceOf'>;
  processCount(): number;
  readonly now?: () => number;
}

interface Pending {
  readonly trace: StoredTrace;
  readonly firstMs: number;
  lastMs: number;
}

const tickMs = 100;
const settledMs = 700;
/** Sensors report once a second, each at its own time: the called process may still be to come. */
const settledWithOpenCallMs = 2000;
const withoutRootMs = 5000;
const maximumPending = 1000;
const treesPerSecond = 5;
const maximumRemembered = 10_000;

/** Waits for each trace to settle, then prints it as a tree; what is too much is counted. */
export class TracePrinter {
  readonly #options: TracePrinterOptions;
  readonly #now: () => number;
  readonly #pending: Map<string, Pending> = new Map();
  /** Printed traces and how many of their spans have been shown or mentioned. */
  readonly #printed: Map<string, number> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #secondStartMs = 0;
  #shownInSecond = 0;
  #notShown = 0;

  constructor(options: TracePrinterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Notes that spans of these traces have arrived. */
  note(traces: ReadonlySet<StoredTrace>): void {
    const nowMs = this.#now();
    for (const trace of traces) {
      const pending = this.#pending.get(trace.traceId);
      if (pending?.trace === trace) pending.lastMs = nowMs;
      else if (this.#pending.size < maximumPending)
        this.#pending.set(trace.traceId, { trace, firstMs: nowMs, lastMs: nowMs });
      else this.#notShown++;
    }
    this.#timer ??= setInterval(() => this.tick(), tickMs).unref();
  }

  /** Prints what has settled. */
  tick(): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondStartMs >= 1000) this.#startSecond(nowMs);
    for (const [traceId, pending] of this.#pending) {
      if (!this.#hasSettled(pending, nowMs)) continue;
      this.#pending.delete(traceId);
      this.#print(pending.trace);
    }
    if (this.#pending.size > 0 || this.#notShown > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#pending.clear();
  }

  #startSecond(nowMs: number): void {
    if (this.#notShown > 0) {
      const { paint, write } = this.#options;
      write(
        `${paint.dim(`... ${this.#notShown} more ${this.#notShown === 1 ? 'trace' : 'traces'} not shown here`)}\n\n`,
      );
    }
    this.#secondStartMs = nowMs;
    this.#shownInSecond = 0;
    this.#notShown = 0;
  }

  #hasSettled({ trace, firstMs, lastMs }: Pending, nowMs: number): boolean {
    const quietMs = nowMs - lastMs;
    if (quietMs < settledMs) return false;
    if (this.#printed.has(trace.traceId)) return true;
    if (!trace.spans.some(({ parentId }) => parentId === null)) return nowMs - firstMs >= withoutRootMs;
    return quietMs >= settledWithOpenCallMs || !this.#hasOpenCall(trace);
  }

  /** Whether a call got an answer from what may be another announced process, whose spans have not come. */
  #hasOpenCall(trace: StoredTrace): boolean {
    if (this.#options.processCount() < 2) return false;
    const parents = new Set(trace.spans.map(({ parentId }) => parentId));
    return trace.spans.some(
      ({ span, id }) => kindOf(span) === 2 && pathOf(span) !== null && statusOf(span) !== null && !parents.has(id),
    );
  }

  #print(trace: StoredTrace): void {
    const seen = this.#printed.get(trace.traceId) ?? 0;
    this.#remember(trace);
    // A failed trace is what somebody looks for, so a few of them get through when others do not.
    const isFailed = trace.spans.some(({ span }) => hasError(span));
    if (this.#shownInSecond >= (isFailed ? treesPerSecond + 2 : treesPerSecond)) {
      this.#notShown++;
      return;
    }
    this.#shownInSecond++;
    const { write, paint, traces } = this.#options;
    if (seen === 0) write(`${drawTrace(trace.spans, (received) => traces.serviceOf(received), paint)}\n\n`);
    else write(`${paint.dim(lateLine(trace, trace.spans.length - seen))}\n\n`);
  }

  #remember(trace: StoredTrace): void {
    this.#printed.delete(trace.traceId);
    this.#printed.set(trace.traceId, trace.spans.length);
    const [oldest] = this.#printed.keys();
    if (this.#printed.size > maximumRemembered && oldest !== undefined) this.#printed.delete(oldest);
  }
}

function lateLine(trace: StoredTrace, count: number): string {
  const last = trace.spans.at(-1);
  const what = last === undefined ? '' : visible(operationOf(last.span), 60);
  return `... ${count} late ${count === 1 ? 'span' : 'spans'} for trace ${visible(trace.traceId, 40)}, the last: ${what}`;
}
