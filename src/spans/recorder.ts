// Tracks open spans and puts finished ones into a queue for each receiver.
import type { OtlpMode } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { EncodeContext } from './instana-json.js';
import { takeSnapshot } from './sdk-snapshot.js';
import type { SpanRecord } from './span.js';
import { dropPayload, type QueueCounters, SpanQueue } from './span-queue.js';

const stringify = JSON.stringify; // captured because the application may replace it
/** One batch may take the whole queue: with 150 ms between batches, that is about 25,000 spans a second. */
const batchSpans = 5000;
const batchBytes = 3 * 1024 * 1024;
/** Smaller for OTLP: the text of a span is longer, and collectors accept a few megabytes per request. */
const otlpBatchSpans = 1000;
const otlpBatchBytes = 1024 * 1024;
/** Estimated size of an unencoded span without its URL; measured: 350 to 700 bytes. */
const assumedBytes = 700;

/** Counters since the start of the process. */
export interface RecorderCounters {
  readonly opened: number;
  readonly finished: number;
  /** Spans sent to the agent, in its own protocol. */
  readonly sent: number;
  readonly waiting: number;
  /** Dropped spans by reason: `overflow` (too many waited), `too-large`, `unsampled` (suppressed or ignored), `encode`. */
  readonly dropped: Record<string, number>;
  /** Counters of the OTLP queue; null if OTLP was never switched on. */
  readonly otlp: QueueCounters | null;
}

export interface RecorderDependencies {
  readonly errors: InternalErrors;
  readonly now: () => number;
  readonly encodeContext: () => EncodeContext;
  /** Called when the number of spans that wait for the agent reaches 500. */
  readonly onThreshold: () => void;
  /** Called when the number of spans that wait to be sent as OTLP reaches 500. */
  readonly onOtlpThreshold?: () => void;
}

/** All open and finished spans of a sensor. Nothing here throws into the application's calls. */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  readonly #forAgent: SpanQueue;
  /** Created on first use and kept: after OTLP is switched off, the spans that wait in it are still sent. */
  #forOtlp: SpanQueue | null = null;
  #mode: OtlpMode = false;
  #oldestOpen: SpanRecord | null = null;
  #newestOpen: SpanRecord | null = null;
  #opened = 0;
  #finished = 0;
  #suppressed = 0;
  #dropped = 0;
  #reported = { opened: 0, closed: 0, dropped: 0 };

  constructor(dependencies: RecorderDependencies) {
    this.#dependencies = dependencies;
    this.#forAgent = new SpanQueue({
      ...dependencies,
      batchSpans,
      batchBytes,
      onDrop: (count) => {
        this.#dropped += count;
      },
    });
  }

  /** Sends spans that finish from now on to the agent (false), as OTLP (true), or both. Waiting spans keep their receiver. */
  useReceivers(mode: OtlpMode): void {
    this.#mode = mode;
    if (mode === false || this.#forOtlp !== null) return;
    this.#forOtlp = new SpanQueue({
      ...this.#dependencies,
      batchSpans: otlpBatchSpans,
      batchBytes: otlpBatchBytes,
      onThreshold: () => this.#dependencies.onOtlpThreshold?.(),
      // With both receivers, the counters reported to the agent cover only the agent's own queue.
      onDrop: (count) => {
        if (this.#mode === true) this.#dropped += count;
      },
    });
  }

  /** The queue of spans to send as OTLP; null if OTLP was never switched on. */
  get otlp(): SpanQueue | null {
    return this.#forOtlp;
  }

  /** Counts a manual span. The recorder does not hold it, so one that never finishes costs nothing. */
  openManual(): void {
    this.#opened++;
  }

  /** Counts an automatic span and tracks it until it ends. Call once per span, at its start. */
  open(span: SpanRecord): void {
    this.#opened++;
    span.previousOpen = this.#newestOpen;
    if (this.#newestOpen === null) this.#oldestOpen = span;
    else this.#newestOpen.nextOpen = span;
    this.#newestOpen = span;
  }

  /** Ends a span now. A second call for the same span is ignored. */
  finish(span: SpanRecord): void {
    this.finishAt(span, this.#dependencies.now());
  }

  /** Ends a span at a monotonic time, in milliseconds. A time before its start gives a duration of 0. */
  finishAt(span: SpanRecord, tick: number): void {
    if (span.durationMs >= 0) return;
    const duration = tick - span.startTick;
    span.durationMs = duration > 0 && Number.isFinite(duration) ? duration : 0; // JSON cannot represent NaN and Infinity
    this.#close(span);
    if (span.http !== null) span.http.transfer = null; // it refers to objects of the application
    span.estimatedBytes = assumedBytes + (span.http?.url.length ?? 0) + (span.sdk?.estimatedBytes ?? 0);
    this.#finished++;
    if (span.suppressed || span.ignored) {
      this.#suppressed++;
      dropPayload(span);
    } else if (this.#forOtlp === null) {
      this.#keep(span);
    } else {
      this.#keepForAll(span, this.#forOtlp);
    }
  }

  /** Calls `expire` with each open span that is at least `ageMs` old, the oldest first. */
  expire(ageMs: number, expire: (span: SpanRecord) => void): void {
    const limit = this.#dependencies.now() - ageMs;
    for (let span = this.#oldestOpen; span !== null && span.startTick <= limit; ) {
      const next: SpanRecord | null = span.nextOpen;
      expire(span);
      span = next;
    }
  }

  /**
   * Encodes spans of the agent's next batch for a few milliseconds. Returns true once all of them are encoded. Otherwise, call it
   * again in another turn of the event loop before `take()`, which encodes the rest in one go.
   */
  encodeSome(): boolean {
    return this.#forAgent.encodeSome();
  }

  /**
   * The oldest spans that wait for the agent as a JSON array, or null if none wait. `entity` and `host` become `f.e` and `f.h`.
   * The spans are in flight, and the bytes valid, until `acknowledge()`, `requeue()` or `tooLarge()` is called.
   */
  take(entity: string, host: string): { readonly body: Buffer; readonly count: number } | null {
    const from = `{"f":{"e":${stringify(entity)},"h":${stringify(host)}},`;
    return this.#forAgent.take((_, index) => (index === 0 ? `[${from}` : `,${from}`), ']');
  }

  /** The agent accepted the batch. */
  acknowledge(): void {
    this.#forAgent.acknowledge();
  }

  /** Puts the batch back to the front of the queue, except for spans that newer ones have evicted. */
  requeue(): void {
    this.#forAgent.requeue();
  }

  /** The agent refused the size: the next batch has half as many spans. A single span that is too large is dropped. */
  tooLarge(): void {
    this.#forAgent.tooLarge();
  }

  /** Number of finished spans that wait for the agent, without those in flight. */
  waiting(): number {
    return this.#forAgent.waiting();
  }

  /** Counters since the last call. */
  readCounters(): { opened: number; closed: number; dropped: number } {
    const total = { opened: this.#opened, closed: this.#finished, dropped: this.#dropped };
    const before = this.#reported;
    this.#reported = total;
    return {
      opened: total.opened - before.opened,
      closed: total.closed - before.closed,
      dropped: total.dropped - before.dropped,
    };
  }

  counters(): RecorderCounters {
    const { sent, waiting, dropped } = this.#forAgent.counters();
    return {
      opened: this.#opened,
      finished: this.#finished,
      sent,
      waiting,
      dropped: this.#suppressed === 0 ? dropped : { ...dropped, unsampled: this.#suppressed },
      otlp: this.#forOtlp?.counters() ?? null,
    };
  }

  /** Encodes spans with the application's objects at once: the objects may be large, and may change while the span waits. */
  #keep(span: SpanRecord): void {
    if (span.sdk?.holdsObjects !== true) {
      this.#forAgent.add(span);
      return;
    }
    this.#forAgent.addEncoded(span);
    dropPayload(span);
  }

  #keepForAll(span: SpanRecord, otlp: SpanQueue): void {
    const isForOtlp = this.#mode !== false;
    const isForAgent = this.#mode !== true;
    if (isForOtlp && span.http !== null) span.http.scheme = schemeOf(span.http.request);
    // The form of OTLP may not be known yet: what writes it is loaded after the start.
    if (span.sdk?.holdsObjects === true && !this.#copyObjects(span)) {
      if (isForOtlp) otlp.drop('encode', 1);
      if (isForAgent) this.#forAgent.drop('encode', 1);
      return;
    }
    if (isForOtlp && isForAgent) span.pendingEncoders = 2;
    if (isForOtlp) otlp.add(span);
    if (isForAgent) this.#forAgent.add(span);
  }

  /** False if the tags or logs of the span cannot be written; it has no data then. */
  #copyObjects(span: SpanRecord): boolean {
    try {
      if (span.sdk !== null) span.estimatedBytes += takeSnapshot(span.sdk, this.#dependencies.encodeContext());
      return true;
    } catch (error) {
      this.#dependencies.errors.record('encoding a span', error);
      dropPayload(span);
      return false;
    }
  }

  #close(span: SpanRecord): void {
    const { previousOpen, nextOpen } = span;
    if (previousOpen === null && this.#oldestOpen !== span) return; // not tracked
    if (previousOpen === null) this.#oldestOpen = nextOpen;
    else previousOpen.nextOpen = nextOpen;
    if (nextOpen === null) this.#newestOpen = previousOpen;
    else nextOpen.previousOpen = previousOpen;
    span.previousOpen = null;
    span.nextOpen = null;
  }
}

/** The scheme of an incoming request; null if unknown. A request made by the application may have any object as its socket. */
function schemeOf(request: object | null): 'http' | 'https' | null {
  try {
    const { socket } = (request ?? {}) as { socket?: { encrypted?: unknown } | null };
    if (socket === undefined || socket === null) return null;
    return socket.encrypted === true ? 'https' : 'http';
  } catch {
    return null;
  }
}
