// Takes finished spans each second and posts them, one request at a time; what is not delivered goes back.

import type { Log } from '../core/log.js';
import type { Sleeper, Timers } from '../core/sleeper.js';
import { tracesPath } from '../protocol/announce.js';
import type { HttpConnection } from '../transport/http-connection.js';
import { type HttpResponse, isSuccess, parseRetryAfter } from '../transport/message.js';
import { type Session, send } from './announce-cycle.js';
import type { Counters, Disconnect } from './metrics-sender.js';

/** What the reporter needs of the recorder. */
export interface SpanSource {
  /**
   * The oldest waiting spans as the body of one trace request (a JSON array), or null when none wait. They are in
   * flight, and the bytes hold, until one of the three calls below. `entity` and `host` become `f.e` and `f.h`.
   */
  take(entity: string, host: string): { readonly body: string | Uint8Array; readonly count: number } | null;
  /** Prepares the next batch for a few milliseconds; false when another turn of the event loop is needed. */
  encodeSome(): boolean;
  acknowledge(): void;
  /** Not delivered: back to the front of the queue. */
  requeue(): void;
  /** The agent answered 413: the next take() gives half as many; a single span that is too large is dropped and counted. */
  tooLarge(): void;
  /** Counters since the last read. */
  readCounters(): Counters;
  /** How many spans wait, if the source can tell: a flush then leaves out those that came after it. */
  waiting?(): number;
}

export interface TraceSenderDependencies {
  readonly connection: HttpConnection;
  readonly sleeper: Sleeper;
  readonly timers: Timers;
  readonly log: Log;
  readonly spans: SpanSource;
  readonly onDisconnect: (disconnect: Disconnect) => void;
  /** A worker thread sends no metrics, so that only here it is noticed that the agent has gone. */
  readonly isMainThread: boolean;
}

const intervalMs = 1000;
/** Not more than ten requests a second reach an agent, those of metrics included. */
const minGapMs = 150;
const manySpans = 500;
const maxHoldMs = 5000;
const maxRetryAfterMs = 60_000;
const failuresBeforeDisconnect = 3;

/** A flush under way: how many spans are still to be delivered, and whom to tell. */
interface Flush {
  remaining: number;
  readonly done: () => void;
}

/** Sends whenever there is a session, whatever becomes of the metrics. */
export class TraceSender {
  readonly #dependencies: TraceSenderDependencies;
  readonly #flushes: Set<Flush> = new Set();
  #session: Session | null = null;
  #inFlight = 0;
  #isSoon = false;
  /** Since a 413, until nothing waits: batches are small, so they do not come a second apart. */
  #isShrunk = false;
  #isOver = false;
  #lastAttempt: number = Number.NEGATIVE_INFINITY;
  #holdUntil: number = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(dependencies: TraceSenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** From now on spans go to this agent; what waits, at once. With null they wait. */
  use(session: Session | null): void {
    this.#session = session;
    this.#lastAttempt = Number.NEGATIVE_INFINITY;
    this.#dependencies.sleeper.wake();
  }

  /** Whether there is an agent to send to. */
  isConnected(): boolean {
    return this.#session !== null;
  }

  /** Resolves after `end()`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      const delayMs = this.#dueIn();
      if (delayMs > 0) await this.#dependencies.sleeper.sleep(delayMs);
      else if (this.#session !== null) await this.#sendBatch(this.#session);
    }
  }

  /** Sends before the second is over. */
  requestFlush(): void {
    this.#isSoon = true;
    this.#dependencies.sleeper.wake();
  }

  /** Calls `done` when what waits now is delivered; at once when nothing waits, or nothing can be sent within `timeoutMs`. */
  flush(timeoutMs: number, done: () => void): Flush | null {
    const waiting = this.#countWaiting();
    if (this.#isOver || waiting + this.#inFlight === 0 || this.#holdUntil - this.#now() > timeoutMs) {
      done();
      return null;
    }
    const flush = { remaining: waiting + this.#inFlight, done };
    this.#flushes.add(flush);
    this.#dependencies.sleeper.wake();
    return flush;
  }

  /** The time of a flush is up. */
  forget(flush: Flush): void {
    this.#flushes.delete(flush);
  }

  /** Nothing more can be delivered for now. */
  endFlushes(): void {
    for (const flush of this.#flushes) flush.done();
    this.#flushes.clear();
  }

  /** What is in flight goes back at once, so that whoever comes next can take it. */
  end(): void {
    this.#isOver = true;
    if (this.#inFlight > 0) this.#dependencies.spans.requeue();
    this.#inFlight = 0;
    this.#dependencies.sleeper.wake();
    this.endFlushes();
  }

  #now(): number {
    return this.#dependencies.timers.now();
  }

  #countWaiting(): number {
    const { spans } = this.#dependencies;
    if (spans.waiting !== undefined) return spans.waiting();
    if (this.#inFlight > 0) return Number.POSITIVE_INFINITY;
    if (spans.take('', '') === null) return 0;
    spans.requeue();
    return Number.POSITIVE_INFINITY;
  }

  /** Milliseconds until the next attempt. */
  #dueIn(): number {
    if (this.#session === null) return Number.POSITIVE_INFINITY;
    const gapMs = this.#flushes.size > 0 ? 0 : this.#isSoon || this.#isShrunk ? minGapMs : intervalMs;
    // Timers count whole milliseconds: with a fraction cut off they would come twice.
    return Math.ceil(Math.max(this.#lastAttempt + gapMs, this.#holdUntil) - this.#now());
  }

  async #sendBatch(session: Session): Promise<void> {
    const { spans, connection } = this.#dependencies;
    const { pid, agentUuid } = session.identity;
    this.#isSoon = false;
    while (!spans.encodeSome()) await this.#dependencies.sleeper.sleep(1);
    if (this.#isOver || this.#session !== session) return;
    const batch = spans.take(String(pid), agentUuid);
    if (batch === null) {
      this.#isShrunk = false;
      this.#lastAttempt = this.#now();
      this.endFlushes();
      return;
    }
    this.#inFlight = batch.count;
    const outcome = await send(connection, session.address, {
      method: 'POST',
      path: tracesPath(pid),
      body: batch.body,
    });
    if (this.#isOver) return; // end() has given the spans back
    this.#inFlight = 0;
    this.#lastAttempt = this.#now();
    this.#settle(session, batch.count, outcome);
  }

  #settle(session: Session, count: number, outcome: HttpResponse | string): void {
    const { spans } = this.#dependencies;
    // The status decides: an answer that breaks off after it is no reason to send the spans twice.
    if (typeof outcome !== 'string' && isSuccess(outcome.status)) {
      spans.acknowledge();
      this.#settleDelivered(count);
    } else if (typeof outcome !== 'string' && outcome.status === 413) {
      spans.tooLarge();
      this.#isShrunk = true;
    } else {
      spans.requeue();
      this.#settleFailure(session, outcome);
    }
  }

  #settleDelivered(count: number): void {
    this.#failures = 0;
    this.#isSoon ||= count >= manySpans; // there may be more
    for (const flush of this.#flushes) {
      flush.remaining -= count;
      if (flush.remaining > 0) continue;
      this.#flushes.delete(flush);
      flush.done();
    }
  }

  #settleFailure(session: Session, outcome: HttpResponse | string): void {
    const { log, connection, isMainThread } = this.#dependencies;
    const reason = typeof outcome === 'string' ? outcome : `status ${outcome.status}`;
    log.debug(`spans were not delivered and are kept: ${reason}`);
    this.#failures += 1;
    this.#holdUntil = this.#now() + this.#holdMs(outcome);
    if (connection.isAbortedAtExit()) this.endFlushes();
    const isForgotten = typeof outcome !== 'string' && outcome.status === 404;
    const isUnnoticed = typeof outcome === 'string' && !isMainThread && this.#failures % failuresBeforeDisconnect === 0;
    if ((!isForgotten && !isUnnoticed) || this.#session !== session) return;
    this.#session = null;
    this.#dependencies.onDisconnect({ reason: `spans were not accepted, ${reason}`, needsAnnounce: true });
  }

  /** How long to leave the agent alone: as long as it says, else 1 s, doubling to 5 s. */
  #holdMs(outcome: HttpResponse | string): number {
    // 404: a new announce comes first, and takes its own time.
    if (typeof outcome !== 'string' && outcome.status === 404) return 0;
    const ownMs = Math.min(intervalMs * 2 ** (this.#failures - 1), maxHoldMs);
    const told = typeof outcome === 'string' ? null : parseRetryAfter(outcome.retryAfter);
    return told === null ? ownMs : Math.max(intervalMs, Math.min(told, maxRetryAfterMs));
  }
}
