// Spans from their start to their end: those still open are watched, the finished ones wait in a queue for each receiver.
import type { OtlpMode } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { EncodeContext } from './instana-json.js';
import type { SpanRecord } from './span.js';
import { dropPayload, type QueueCounters, SpanQueue } from './span-queue.js';

const stringify = JSON.stringify; // an application may replace it
/** All that may wait: with a pause of 150 ms behind each batch that is some 25,000 spans a second. */
const batchSpans = 5000;
const batchBytes = 3 * 1024 * 1024;
/** For OTLP, where the text of a span is longer, and collectors take some megabytes at once. */
const otlpBatchSpans = 1000;
const otlpBatchBytes = 1024 * 1024;
/** What an unencoded span is taken to weigh besides its URL; measured: 350 to 700 bytes. */
const assumedBytes = 700;

/** Counters since the start of the process. */
export interface RecorderCounters {
  readonly opened: number;
  readonly finished: number;
  /** To the agent, by its own protocol. */
  readonly sent: number;
  readonly waiting: number;
  /** Spans that will not arrive, by reason: `overflow` (too many waited), `too-large`, `unsampled`, `encode`. */
  readonly dropped: Record<string, number>;
  /** The same of what is sent as OTLP; null when nothing ever was to be. */
  readonly otlp: QueueCounters | null;
}

export interface RecorderDependencies {
  readonly errors: InternalErrors;
  readonly now: () => number;
  readonly encodeContext: () => EncodeContext;
  /** Called when 500 spans wait for the agent. */
  readonly onThreshold: () => void;
  /** Called when 500 spans wait to be sent as OTLP. */
  readonly onOtlpThreshold?: () => void;
  /** Called with each span that starts. */
  readonly onOpen?: () => void;
}

/** Everything here runs without being able to throw into a host's call. */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  readonly #native: SpanQueue;
  readonly #onOpen: () => void;
  /** Made when it is wanted, and kept: what waits in it is still to be sent when no more is to come. */
  #otlp: SpanQueue | null = null;
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
    this.#onOpen = dependencies.onOpen ?? (() => {});
    this.#native = new SpanQueue({
      ...dependencies,
      batchSpans,
      batchBytes,
      onDrop: (count) => {
        this.#dropped += count;
      },
    });
  }

  /** Where spans go that finish from now on: to the agent, out as OTLP (true), or both. What waits already goes where it was to go. */
  route(mode: OtlpMode): void {
    this.#mode = mode;
    if (mode === false || this.#otlp !== null) return;
    this.#otlp = new SpanQueue({
      ...this.#dependencies,
      batchSpans: otlpBatchSpans,
      batchBytes: otlpBatchBytes,
      onThreshold: () => this.#dependencies.onOtlpThreshold?.(),
      // Where both get all spans, the agent is told of those that it does not get.
      onDrop: (count) => {
        if (this.#mode === true) this.#dropped += count;
      },
    });
  }

  /** What waits to be sent as OTLP; null when nothing ever was to be. */
  get otlp(): SpanQueue | null {
    return this.#otlp;
  }

  /** Counts a span that the application owns: it is not held here, so that one which is never finished costs nothing. */
  openManual(): void {
    this.#opened++;
    this.#onOpen();
  }

  /** To be called once for every automatic span that starts; it is watched until it ends. */
  open(span: SpanRecord): void {
    this.#opened++;
    this.#onOpen();
    span.previousOpen = this.#newestOpen;
    if (this.#newestOpen === null) this.#oldestOpen = span;
    else this.#newestOpen.nextOpen = span;
    this.#newestOpen = span;
  }

  /** Ends a span now; the second end of the same span is ignored. */
  finish(span: SpanRecord): void {
    this.finishAt(span, this.#dependencies.now());
  }

  /** Ends a span at a monotonic time; a time before its start counts as its start. */
  finishAt(span: SpanRecord, tick: number): void {
    if (span.durationMs >= 0) return;
    const duration = tick - span.startTick;
    span.durationMs = duration > 0 && Number.isFinite(duration) ? duration : 0; // JSON has no form for NaN and Infinity
    this.#close(span);
    span.estimatedBytes = assumedBytes + (span.http?.url.length ?? 0) + (span.sdk?.estimatedBytes ?? 0);
    this.#finished++;
    if (span.suppressed || span.ignored) {
      this.#suppressed++;
      dropPayload(span);
    } else if (this.#otlp === null) {
      this.#keep(span);
    } else {
      this.#keepForAll(span, this.#otlp);
    }
  }

  /** Gives every open span that started more than `ageMs` ago to `expire`, the oldest first. */
  expire(ageMs: number, expire: (span: SpanRecord) => void): void {
    const limit = this.#dependencies.now() - ageMs;
    for (let span = this.#oldestOpen; span !== null && span.startTick <= limit; ) {
      const next: SpanRecord | null = span.nextOpen;
      expire(span);
      span = next;
    }
  }

  /**
   * Encodes spans of the agent's next batch for a few milliseconds. True when all of them are; else it is to be called again in another
   * turn of the event loop, before `take()`, which encodes in one go what is left.
   */
  encodeSome(): boolean {
    return this.#native.encodeSome();
  }

  /**
   * The oldest spans that wait for the agent as a JSON array, or null when none wait. They are in flight until one of the next three
   * calls, and the bytes hold until then.
   */
  take(entity: string, host: string): { readonly body: Buffer; readonly count: number } | null {
    const from = `{"f":{"e":${stringify(entity)},"h":${stringify(host)}},`;
    return this.#native.take((_, index) => (index === 0 ? `[${from}` : `,${from}`), ']');
  }

  /** The agent has what was taken. */
  acknowledge(): void {
    this.#native.acknowledge();
  }

  /** What was taken goes back to the front; the oldest of it are dropped when there is no room any more. */
  requeue(): void {
    this.#native.requeue();
  }

  /** The agent refused the size: next time half as many; a span that is too large by itself is given up. */
  tooLarge(): void {
    this.#native.tooLarge();
  }

  /** Finished spans that wait for the agent, those in flight not counted. */
  waiting(): number {
    return this.#native.waiting();
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
    const { sent, waiting, dropped } = this.#native.counters();
    return {
      opened: this.#opened,
      finished: this.#finished,
      sent,
      waiting,
      dropped: this.#suppressed === 0 ? dropped : { ...dropped, unsampled: this.#suppressed },
      otlp: this.#otlp?.counters() ?? null,
    };
  }

  /** Objects of the application's are written down at once: they may be large, and may change while the span waits. */
  #keep(span: SpanRecord): void {
    if (span.sdk?.holdsObjects !== true) {
      this.#native.add(span);
      return;
    }
    this.#native.addEncoded(span);
    dropPayload(span);
  }

  #keepForAll(span: SpanRecord, otlp: SpanQueue): void {
    const isForOtlp = this.#mode !== false;
    const isForAgent = this.#mode !== true;
    if (isForOtlp && span.http !== null) span.http.scheme = schemeOf(span.http.request);
    if (span.sdk?.holdsObjects === true) {
      if (isForOtlp) otlp.addEncoded(span);
      if (isForAgent) this.#native.addEncoded(span);
      dropPayload(span);
      return;
    }
    if (isForOtlp && isForAgent) span.pendingEncoders = 2;
    if (isForOtlp) otlp.add(span);
    if (isForAgent) this.#native.add(span);
  }

  #close(span: SpanRecord): void {
    const { previousOpen, nextOpen } = span;
    if (previousOpen === null && this.#oldestOpen !== span) return; // not watched
    if (previousOpen === null) this.#oldestOpen = nextOpen;
    else previousOpen.nextOpen = nextOpen;
    if (nextOpen === null) this.#newestOpen = previousOpen;
    else nextOpen.previousOpen = previousOpen;
    span.previousOpen = null;
    span.nextOpen = null;
  }
}

/** Of a request that was served; null when it is not known. Whoever hands us requests of its own making may have any object there. */
function schemeOf(request: object | null): 'http' | 'https' | null {
  try {
    const { socket } = (request ?? {}) as { socket?: { encrypted?: unknown } | null };
    if (socket === undefined || socket === null) return null;
    return socket.encrypted === true ? 'https' : 'http';
  } catch {
    return null;
  }
}
