// Spans from their start to their delivery: those still open, and the finished ones that wait, the oldest dropped first.
import type { Faults } from '../base/faults.js';
import { BatchBuffer } from './batch-buffer.js';
import { type EncodeContext, encodeSpan } from './encode.js';
import type { SpanRecord } from './span.js';

const stringify = JSON.stringify; // an application may replace it
const maximumSpans = 5000;
const maximumBytes = 8 * 1024 * 1024;
const batchSpans = 2500;
const batchBytes = 3 * 1024 * 1024;
/** What an unencoded span is taken to weigh besides its URL; measured: 350 to 700 bytes. */
const assumedBytes = 700;
const sendAtSpans = 500;
/** Longest that spans are encoded in one go, and how many between two looks at the clock. */
const sliceMs = 4;
const sliceSpans = 50;

/** Counters since the start of the process. */
export interface RecorderCounters {
  readonly opened: number;
  readonly finished: number;
  readonly sent: number;
  readonly waiting: number;
  /** Spans that will not arrive, by reason: `overflow` (too many waited), `too-large`, `unsampled`, `encode`. */
  readonly dropped: Record<string, number>;
}

export interface RecorderDependencies {
  readonly faults: Faults;
  readonly now: () => number;
  readonly encodeContext: () => EncodeContext;
  /** Called when 500 spans wait. */
  readonly onThreshold: () => void;
}

/** Bounded in number (5,000 spans) and weight (8 MiB). Everything here runs without being able to throw into a host's call. */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  /** A ring: spans as they finished, or their text once encoded. */
  readonly #ring: (SpanRecord | string | undefined)[] = new Array(maximumSpans);
  #head = 0;
  #length = 0;
  #bytes = 0;
  #inFlight: string[] = [];
  readonly #batch: BatchBuffer = new BatchBuffer();
  #inFlightBytes = 0;
  #batchLimit = batchSpans;
  #oldestOpen: SpanRecord | null = null;
  #newestOpen: SpanRecord | null = null;
  #opened = 0;
  #finished = 0;
  #sent = 0;
  #dropped = 0;
  readonly #droppedBy: Record<string, number> = Object.create(null);
  #reported = { opened: 0, closed: 0, dropped: 0 };

  constructor(dependencies: RecorderDependencies) {
    this.#dependencies = dependencies;
  }

  /** Counts a span that the application owns: it is not held here, so that one which is never finished costs nothing. */
  openManual(): void {
    this.#opened++;
  }

  /** To be called once for every automatic span that starts; it is watched until it ends. */
  open(span: SpanRecord): void {
    this.#opened++;
    span.before = this.#newestOpen;
    if (this.#newestOpen === null) this.#oldestOpen = span;
    else this.#newestOpen.after = span;
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
    span.weight = assumedBytes + (span.http?.url.length ?? 0) + (span.sdk?.weight ?? 0);
    this.#finished++;
    if (span.unsampled || span.ignored) {
      this.#drop('unsampled', 1);
      empty(span);
    } else {
      this.#keep(span);
    }
  }

  /** Gives every open span that started more than `ageMs` ago to `expire`, the oldest first. */
  expire(ageMs: number, expire: (span: SpanRecord) => void): void {
    const limit = this.#dependencies.now() - ageMs;
    for (let span = this.#oldestOpen; span !== null && span.startTick <= limit; ) {
      const next: SpanRecord | null = span.after;
      expire(span);
      span = next;
    }
  }

  /**
   * Encodes spans of the next batch for a few milliseconds. True when all of them are; else it is to be called again in another
   * turn of the event loop, before `take()`, which encodes in one go what is left.
   */
  encodeSome(): boolean {
    const { now, encodeContext } = this.#dependencies;
    const context = encodeContext();
    const startMs = now();
    const length = Math.min(this.#length, this.#batchLimit);
    let left = sliceSpans;
    for (let index = 0; index < length; index++) {
      const place = (this.#head + index) % maximumSpans;
      const item = this.#ring[place];
      if (typeof item === 'string' || item === undefined) continue;
      if (left-- === 0) {
        if (now() - startMs >= sliceMs) return false;
        left = sliceSpans;
      }
      const text = this.#encode(item, context) ?? '';
      if (this.#ring[place] !== item) continue; // code of the application that formats stacks may have ended spans, too
      this.#bytes += text.length - item.weight;
      this.#ring[place] = text;
    }
    return true;
  }

  /**
   * The oldest waiting spans as a JSON array, or null when none wait. They are in flight until one of the next three calls; the
   * bytes hold until the next call of this one.
   */
  take(entity: string, host: string): { readonly body: Buffer; readonly count: number } | null {
    if (this.#inFlight.length > 0) this.returned();
    const context = this.#dependencies.encodeContext();
    const from = `{"f":{"e":${stringify(entity)},"h":${stringify(host)}},`;
    const buffer = this.#batch;
    buffer.clear();
    while (this.#length > 0 && this.#inFlight.length < this.#batchLimit && this.#inFlightBytes < batchBytes) {
      const item = this.#shift();
      const text = typeof item === 'string' ? item : this.#encode(item, context);
      if (text === null || text === '') continue; // could not be encoded, and is counted
      buffer.add(this.#inFlight.length === 0 ? `[${from}${text}}` : `,${from}${text}}`);
      this.#inFlight.push(text);
      this.#inFlightBytes += text.length;
    }
    if (this.#inFlight.length === 0) return null;
    buffer.add(']');
    return { body: buffer.bytes(), count: this.#inFlight.length };
  }

  /** The agent has what was taken. */
  delivered(): void {
    this.#sent += this.#inFlight.length;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#batchLimit = Math.min(batchSpans, this.#batchLimit * 2);
  }

  /** What was taken goes back to the front; the oldest of it are dropped when there is no room any more. */
  returned(): void {
    for (let index = this.#inFlight.length - 1; index >= 0; index--) {
      const text = this.#inFlight[index] as string; // inside the bounds
      if (this.#length >= maximumSpans || this.#bytes + text.length > maximumBytes) {
        this.#drop('overflow', index + 1);
        break;
      }
      this.#head = (this.#head + maximumSpans - 1) % maximumSpans;
      this.#ring[this.#head] = text;
      this.#length++;
      this.#bytes += text.length;
    }
    this.#inFlight = [];
    this.#inFlightBytes = 0;
  }

  /** The agent refused the size: next time half as many; a span that is too large by itself is given up. */
  tooLarge(): void {
    if (this.#inFlight.length <= 1) {
      this.#drop('too-large', this.#inFlight.length);
      this.#inFlight = [];
      this.#inFlightBytes = 0;
      return;
    }
    this.#batchLimit = Math.max(1, this.#inFlight.length >> 1);
    this.returned();
  }

  /** Finished spans that wait, those in flight not counted. */
  waiting(): number {
    return this.#length;
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
    return {
      opened: this.#opened,
      finished: this.#finished,
      sent: this.#sent,
      waiting: this.#length + this.#inFlight.length,
      dropped: { ...this.#droppedBy },
    };
  }

  /** Objects of the application's are written down at once: they may be large, and may change while the span waits. */
  #keep(span: SpanRecord): void {
    const holdsObjects = span.sdk?.holdsObjects === true;
    const item = holdsObjects ? this.#encode(span, this.#dependencies.encodeContext()) : span;
    if (item !== null) this.#add(item);
  }

  #add(span: SpanRecord | string): void {
    const weight = weigh(span);
    while (
      this.#length > 0 &&
      (this.#length + this.#inFlight.length >= maximumSpans ||
        this.#bytes + this.#inFlightBytes + weight > maximumBytes)
    ) {
      const dropped = this.#shift();
      if (typeof dropped !== 'string') empty(dropped);
      this.#drop('overflow', 1);
    }
    this.#ring[(this.#head + this.#length) % maximumSpans] = span;
    this.#length++;
    this.#bytes += weight;
    if (this.#length === sendAtSpans) this.#dependencies.onThreshold();
  }

  #shift(): SpanRecord | string {
    const item = this.#ring[this.#head] as SpanRecord | string; // callers look at the length first
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % maximumSpans;
    this.#length--;
    this.#bytes -= weigh(item);
    return item;
  }

  #close(span: SpanRecord): void {
    const { before, after } = span;
    if (before === null && this.#oldestOpen !== span) return; // not watched
    if (before === null) this.#oldestOpen = after;
    else before.after = after;
    if (after === null) this.#newestOpen = before;
    else after.before = before;
    span.before = null;
    span.after = null;
  }

  #encode(span: SpanRecord, context: EncodeContext): string | null {
    try {
      return encodeSpan(span, context);
    } catch (error) {
      this.#drop('encode', 1);
      this.#dependencies.faults.record('encoding a span', error);
      return null;
    } finally {
      empty(span);
    }
  }

  #drop(reason: string, count: number): void {
    if (count === 0) return;
    if (reason !== 'unsampled') this.#dropped += count;
    this.#droppedBy[reason] = (this.#droppedBy[reason] ?? 0) + count;
  }
}

function weigh(item: SpanRecord | string): number {
  return typeof item === 'string' ? item.length : item.weight;
}

/**
 * What a timer or a listener of the application may still hold for ever must not hold the request's data. Baggage stays: it is
 * part of the context, which the application may still inject, or start a child of.
 */
function empty(span: SpanRecord): void {
  span.http = null;
  span.sdk = null;
  span.stack = null;
}
