// Prints traces once they seem complete, and no more of them a second than a person can read.

import { hasError, operationOf, pathOf, spanKind, statusOf } from '../store/received-span.js';
import type { StoredTrace, TraceStore } from '../store/traces.js';
import { type Colors, toPrintable } from './colors.js';
import { drawTrace } from './trace-tree.js';

/** What the printer writes to and reads from. */
export interface TracePrinterOptions {
  write(text: string): void;
  readonly colors: Colors;
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
/** Each sensor reports once a second at its own time, so the spans of the called process may arrive later. */
const settledWithOpenCallMs = 2000;
const withoutRootMs = 5000;
const maxPending = 1000;
const treesPerSecond = 5;
const maxRemembered = 10_000;

/** Waits until a trace gets no more spans, then prints it as a tree. Traces over the limit are only counted. */
export class TracePrinter {
  readonly #options: TracePrinterOptions;
  readonly #now: () => number;
  readonly #pending: Map<string, Pending> = new Map();
  /** Printed traces, each with the number of spans that the output has covered. */
  readonly #printed: Map<string, number> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #secondStartMs = 0;
  #printedInSecond = 0;
  #skipped = 0;

  constructor(options: TracePrinterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Adds traces that have received spans. */
  add(traces: ReadonlySet<StoredTrace>): void {
    const nowMs = this.#now();
    for (const trace of traces) {
      const pending = this.#pending.get(trace.traceId);
      if (pending?.trace === trace) pending.lastMs = nowMs;
      else if (this.#pending.size < maxPending)
        this.#pending.set(trace.traceId, { trace, firstMs: nowMs, lastMs: nowMs });
      else this.#skipped++;
    }
    this.#timer ??= setInterval(() => this.tick(), tickMs).unref();
  }

  /** Prints the traces that get no more spans. */
  tick(): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondStartMs >= 1000) this.#startSecond(nowMs);
    for (const [traceId, pending] of this.#pending) {
      if (!this.#hasSettled(pending, nowMs)) continue;
      this.#pending.delete(traceId);
      this.#print(pending.trace);
    }
    if (this.#pending.size > 0 || this.#skipped > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#pending.clear();
  }

  #startSecond(nowMs: number): void {
    if (this.#skipped > 0) {
      const { colors, write } = this.#options;
      write(
        `${colors.dim(`... ${this.#skipped} more ${this.#skipped === 1 ? 'trace' : 'traces'} not shown here`)}\n\n`,
      );
    }
    this.#secondStartMs = nowMs;
    this.#printedInSecond = 0;
    this.#skipped = 0;
  }

  #hasSettled({ trace, firstMs, lastMs }: Pending, nowMs: number): boolean {
    const quietMs = nowMs - lastMs;
    if (quietMs < settledMs) return false;
    if (this.#printed.has(trace.traceId)) return true;
    if (!trace.spans.some(({ parentId }) => parentId === null)) return nowMs - firstMs >= withoutRootMs;
    return quietMs >= settledWithOpenCallMs || !this.#hasOpenCall(trace);
  }

  /** Whether a call got a response from what may be another process, whose spans have not arrived yet. */
  #hasOpenCall(trace: StoredTrace): boolean {
    if (this.#options.processCount() < 2) return false;
    const parents = new Set(trace.spans.map(({ parentId }) => parentId));
    return trace.spans.some(
      ({ span, id }) => spanKind(span) === 2 && pathOf(span) !== null && statusOf(span) !== null && !parents.has(id),
    );
  }

  #print(trace: StoredTrace): void {
    const covered = this.#printed.get(trace.traceId) ?? 0;
    this.#remember(trace);
    // Failed traces matter most, so a few of them are printed beyond the limit.
    const isFailed = trace.spans.some(({ span }) => hasError(span));
    if (this.#printedInSecond >= (isFailed ? treesPerSecond + 2 : treesPerSecond)) {
      this.#skipped++;
      return;
    }
    this.#printedInSecond++;
    const { write, colors, traces } = this.#options;
    if (covered === 0) write(`${drawTrace(trace.spans, (received) => traces.serviceOf(received), colors)}\n\n`);
    else write(`${colors.dim(lateLine(trace, trace.spans.length - covered))}\n\n`);
  }

  #remember(trace: StoredTrace): void {
    this.#printed.delete(trace.traceId);
    this.#printed.set(trace.traceId, trace.spans.length);
    const [oldest] = this.#printed.keys();
    if (this.#printed.size > maxRemembered && oldest !== undefined) this.#printed.delete(oldest);
  }
}

function lateLine(trace: StoredTrace, count: number): string {
  const last = trace.spans.at(-1);
  const what = last === undefined ? '' : toPrintable(operationOf(last.span), 60);
  return `... ${count} late ${count === 1 ? 'span' : 'spans'} for trace ${toPrintable(trace.traceId, 40)}, the last: ${what}`;
}
