// Sends finished spans to one receiver in batches, one request at a time; what is not delivered goes back and is sent again.

import type { Timers } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import { Sleeper } from '../core/sleeper.js';
import { keepRunning } from './background.js';
import type { Backoff } from './backoff.js';
import type { FinalRequest } from './exit-flush.js';
import type { Outcome } from './outcome.js';

/** The body of one request, and how many spans are in it. */
export interface Batch {
  readonly body: string | Uint8Array;
  readonly count: number;
}

/** Finished spans that wait for one receiver. Those that a target takes are in flight until `acknowledge`, `requeue` or `tooLarge` settles them. */
export interface BatchSource {
  /** Encodes the next batch for a few milliseconds; false when another turn of the event loop is needed. */
  encodeSome(): boolean;
  /** Settled: delivered, apart from `rejected` spans. */
  acknowledge(rejected?: number): void;
  /** Not delivered: back to the front of the queue. */
  requeue(): void;
  /** The next batch has half as many spans; a single span that is too large is dropped and counted. */
  tooLarge(): void;
  /** How many spans wait, those in flight not counted. */
  waiting(): number;
}

/** A receiver: where batches go, in which form, and what its responses mean. */
export interface ExportTarget {
  /** Time between two batches. */
  readonly intervalMs: number;
  /** Where the last batches go when the process ends. */
  readonly finalAddress: Omit<FinalRequest, 'bodies'>;
  /** The oldest waiting spans, or null when none wait. The bytes hold until they are settled with the source. */
  take(): Batch | null;
  /** Posts a batch. Never rejects. */
  send(body: Batch['body']): Promise<Outcome>;
  /** Logs the outcome of a batch, and acts on failures. */
  onOutcome(outcome: Outcome, exporter: BatchExporter): void;
}

export interface BatchExporterDependencies {
  readonly source: BatchSource;
  readonly backoff: Backoff;
  readonly timers: Timers;
  readonly errors: InternalErrors;
  /** Where errors of the loop are counted. */
  readonly place: string;
}

/** The shortest time between two batches, unless a flush waits: ten requests a second at most reach an agent, those of metrics included. */
const minGapMs = 150;
/** After a batch of this size the next one follows soon, since there may be more. */
const manySpans = 500;
/** After flushes were abandoned, new ones end at once for this long. */
const flushRetryMs = 100;

/** A flush under way. */
interface Flush {
  /** How many spans are still to be settled. */
  remaining: number;
  readonly end: () => void;
}

/** Sends whenever there is a target. Only a pending `flush()` keeps the process alive. */
export class BatchExporter {
  readonly #dependencies: BatchExporterDependencies;
  readonly #sleeper: Sleeper;
  readonly #flushes: Set<Flush> = new Set();
  #target: ExportTarget | null = null;
  #inFlight = 0;
  #isSoon = false;
  /** Since a batch was too large, until one takes all that waits: batches are small, so they do not come an interval apart. */
  #isShrunk = false;
  #isOver = false;
  #lastAttempt: number = Number.NEGATIVE_INFINITY;
  #holdUntil: number = Number.NEGATIVE_INFINITY;
  #lastAbandoned: number = Number.NEGATIVE_INFINITY;

  constructor(dependencies: BatchExporterDependencies) {
    this.#dependencies = dependencies;
    this.#sleeper = new Sleeper(dependencies.timers);
  }

  /** Begins to send, an interval from now at the earliest, as soon as there is a target. */
  start(): void {
    const { place, errors, timers } = this.#dependencies;
    this.#lastAttempt = this.#now();
    void keepRunning({ place, errors, timers, isOver: () => this.#isOver, run: () => this.#run() });
  }

  /** Where spans go from now on; with null they wait. */
  use(target: ExportTarget | null): void {
    this.#target = target;
    if (target !== null) this.#lastAbandoned = Number.NEGATIVE_INFINITY;
    this.#sleeper.wake();
  }

  /** Whether there is a receiver to send to. */
  isConnected(): boolean {
    return this.#target !== null;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#dependencies.backoff.failures;
  }

  /** Does not wait for the end of the interval. */
  skipInterval(): void {
    this.#lastAttempt = Number.NEGATIVE_INFINITY;
    this.#sleeper.wake();
  }

  /** Does not wait any longer for the end of a pause after a failure. */
  skipBackoff(): void {
    this.#holdUntil = Number.NEGATIVE_INFINITY;
    this.#sleeper.wake();
  }

  /** Sends before the interval is over. */
  requestFlush(): void {
    this.#isSoon = true;
    this.#sleeper.wake();
  }

  /**
   * Calls `done` when what waits now is settled, after `timeoutMs`, or when the flush is ended early; until then it keeps the process
   * alive. At once, and with the result false, when nothing waits or nothing can be sent within that time.
   */
  flush(timeoutMs: number, done: () => void): boolean {
    const { source, timers } = this.#dependencies;
    const remaining = source.waiting() + this.#inFlight;
    const now = this.#now();
    const isHopeless = this.#holdUntil - now > timeoutMs || now - this.#lastAbandoned < flushRetryMs;
    if (this.#isOver || remaining === 0 || isHopeless) {
      done();
      return false;
    }
    const timer = timers.setTimeout(() => flush.end(), timeoutMs);
    const flush: Flush = {
      remaining,
      end: () => {
        this.#flushes.delete(flush);
        timers.clearTimeout(timer);
        done();
      },
    };
    this.#flushes.add(flush);
    this.#sleeper.wake();
    return true;
  }

  /** Ends every flush under way. */
  endFlushes(): void {
    for (const flush of this.#flushes) flush.end();
  }

  /** Ends all flushes because there is no receiver. A flush requested right after ends at once, too. */
  abandonFlushes(): void {
    this.#lastAbandoned = this.#now();
    this.endFlushes();
  }

  /** Makes spans wait until there is another target; false if there already is one. */
  detach(target: ExportTarget): boolean {
    if (this.#target !== target) return false;
    this.#target = null;
    return true;
  }

  /** The spans that wait, for delivery at the end of the process; null when none do, or there is no target. They count as delivered. */
  finalRequest(): FinalRequest | null {
    const target = this.#target;
    if (target === null) return null;
    const { source, errors } = this.#dependencies;
    const bodies: Uint8Array[] = [];
    try {
      for (let batch = target.take(); batch !== null; batch = target.take()) {
        bodies.push(Buffer.from(batch.body));
        source.acknowledge();
      }
    } catch (error) {
      errors.record('delivery at exit', error);
    }
    return bodies.length === 0 ? null : { ...target.finalAddress, bodies };
  }

  /** Sends nothing more. What is in flight goes back at once, so that another exporter can take it. */
  end(): void {
    this.#isOver = true;
    if (this.#inFlight > 0) this.#dependencies.source.requeue();
    this.#inFlight = 0;
    this.#sleeper.wake();
    this.endFlushes();
  }

  #now(): number {
    return this.#dependencies.timers.now();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const delayMs = this.#dueIn();
      if (delayMs > 0) await this.#sleeper.sleep(delayMs);
      else if (this.#target !== null) await this.#sendBatch(this.#target);
    }
  }

  /** Milliseconds until the next attempt. */
  #dueIn(): number {
    if (this.#target === null) return Number.POSITIVE_INFINITY;
    const gapMs = this.#flushes.size > 0 ? 0 : this.#isSoon || this.#isShrunk ? minGapMs : this.#target.intervalMs;
    // Timers count whole milliseconds: with a fraction cut off they would come twice.
    return Math.ceil(Math.max(this.#lastAttempt + gapMs, this.#holdUntil) - this.#now());
  }

  async #sendBatch(target: ExportTarget): Promise<void> {
    this.#isSoon = false;
    // A sleeper of its own: a wake-up must not shorten the pause that the application needs between two slices.
    while (!this.#dependencies.source.encodeSome()) await new Sleeper(this.#dependencies.timers).sleep(1);
    if (this.#isOver || this.#target !== target) return;
    const batch = target.take();
    if (batch === null) {
      this.#isShrunk = false;
      this.#lastAttempt = this.#now();
      this.endFlushes();
      return;
    }
    if (this.#dependencies.source.waiting() === 0) this.#isShrunk = false;
    this.#inFlight = batch.count;
    const outcome = await target.send(batch.body);
    if (this.#isOver) return; // end() has given the spans back
    this.#inFlight = 0;
    this.#lastAttempt = this.#now();
    this.#settle(batch.count, outcome);
    target.onOutcome(outcome, this);
  }

  #settle(count: number, outcome: Outcome): void {
    const { source, backoff } = this.#dependencies;
    switch (outcome.kind) {
      case 'too-large':
        source.tooLarge();
        this.#isShrunk = true;
        return;
      case 'retry':
      case 'not-found':
      case 'unreachable':
        source.requeue();
        this.#holdUntil = this.#now() + backoff.next(outcome.kind === 'retry' ? outcome.retryAfterMs : null);
        // The process must be announced again first, which takes its own time.
        if (outcome.kind === 'not-found') this.skipBackoff();
        return;
    }
    source.acknowledge(outcome.kind === 'accepted' ? 0 : outcome.kind === 'partial' ? outcome.rejected : count);
    backoff.reset();
    this.#isSoon ||= count >= manySpans;
    for (const flush of this.#flushes) {
      flush.remaining -= count;
      if (flush.remaining <= 0) flush.end();
    }
  }
}
