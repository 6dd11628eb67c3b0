// Finished spans that wait for one receiver, the oldest dropped first.
import type { Faults } from '../base/faults.js';
import { BatchBuffer } from './batch-buffer.js';
import { type EncodeContext, encodeSpan } from './encode.js';
import type { SpanRecord } from './span.js';

const maximumSpans = 5000;
const maximumBytes = 8 * 1024 * 1024;
const sendAtSpans = 500;
/** Longest that spans are encoded in one go, and how many between two looks at the clock. */
const sliceMs = 4;
const sliceSpans = 50;

export interface SpanQueueDependencies {
  readonly faults: Faults;
  readonly now: () => number;
  readonly encodeContext: () => EncodeContext;
  /** Most that is sent at once. */
  readonly batchSpans: number;
  readonly batchBytes: number;
  /** Called when 500 spans wait. */
  readonly onThreshold: () => void;
  /** Called with each span that will not arrive. */
  readonly onDrop: (count: number) => void;
}

/** Makes of a span, and of the JSON that is written of it, what this receiver wants. */
export type SpanForm = (span: SpanRecord, json: string) => string;

/** Bounded in number (5,000 spans) and weight (8 MiB). Everything here runs without being able to throw into a host's call. */
export class SpanQueue {
  readonly #dependencies: SpanQueueDependencies;
  /** A ring: spans as they finished, or their text once encoded. */
  readonly #ring: (SpanRecord | string | undefined)[] = new Array(maximumSpans);
  #head = 0;
  #length = 0;
  #bytes = 0;
  #inFlight: string[] = [];
  readonly #batch: BatchBuffer = new BatchBuffer();
  #inFlightBytes = 0;
  #batchLimit: number;
  #sent = 0;
  readonly #droppedBy: Record<string, number> = Object.create(null);
  #form: SpanForm | null = null;

  constructor(dependencies: SpanQueueDependencies) {
    this.#dependencies = dependencies;
    this.#batchLimit = dependencies.batchSpans;
  }

  /** To be called before anything is encoded; without it the JSON is sent as it is written. */
  useForm(form: SpanForm): void {
    this.#form = form;
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
      const text = this.#encode(item, context);
      if (this.#ring[place] !== item) continue; // code of the application that formats stacks may have ended spans, too
      this.#bytes += text.length - item.weight;
      this.#ring[place] = text;
    }
    return true;
  }

  /**
   * The oldest waiting spans as bytes, or null when none wait. `piece` gives what is written of a span's text, `end` what stands behind
   * all of them. The spans are in flight until one of the next three calls; the bytes hold until the next call of this one.
   */
  take(
    piece: (text: string, index: number) => string,
    end: string,
  ): { readonly body: Buffer; readonly count: number } | null {
    if (this.#inFlight.length > 0) this.returned();
    const { batchBytes, encodeContext } = this.#dependencies;
    const context = encodeContext();
    const buffer = this.#batch;
    buffer.clear();
    while (this.#length > 0 && this.#inFlight.length < this.#batchLimit && this.#inFlightBytes < batchBytes) {
      const item = this.#shift();
      const text = typeof item === 'string' ? item : this.#encode(item, context);
      if (text === '') continue; // could not be encoded, and is counted
      buffer.add(piece(text, this.#inFlight.length));
      this.#inFlight.push(text);
      this.#inFlightBytes += text.length;
    }
    if (this.#inFlight.length === 0) return null;
    buffer.add(end);
    return { body: buffer.bytes(), count: this.#inFlight.length };
  }

  /** The receiver has what was taken, but for `rejected` spans of it. */
  delivered(rejected: number = 0): void {
    const lost = Math.min(rejected, this.#inFlight.length);
    this.#sent += this.#inFlight.length - lost;
    this.drop('rejected', lost);
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#batchLimit = Math.min(this.#dependencies.batchSpans, this.#batchLimit * 2);
  }

  /** The receiver does not want what was taken, and would not later either. */
  refused(): void {
    this.delivered(this.#inFlight.length);
  }

  /** What was taken goes back to the front; the oldest of it are dropped when there is no room any more. */
  returned(): void {
    for (let index = this.#inFlight.length - 1; index >= 0; index--) {
      const text = this.#inFlight[index] as string; // inside the bounds
      if (this.#length >= maximumSpans || this.#bytes + text.length > maximumBytes) {
        this.drop('overflow', index + 1);
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

  /** The receiver refused the size: next time half as many; a span that is too large by itself is given up. */
  tooLarge(): void {
    if (this.#inFlight.length <= 1) {
      this.drop('too-large', this.#inFlight.length);
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

  counters(): QueueCounters {
    return { sent: this.#sent, waiting: this.#length + this.#inFlight.length, dropped: { ...this.#droppedBy } };
  }

  /** The newest; a text is one that is encoded for this queue. */
  add(span: SpanRecord | string): void {
    const weight = weigh(span);
    while (
      this.#length > 0 &&
      (this.#length + this.#inFlight.length >= maximumSpans ||
        this.#bytes + this.#inFlightBytes + weight > maximumBytes)
    ) {
      const dropped = this.#shift();
      if (typeof dropped !== 'string') release(dropped);
      this.drop('overflow', 1);
    }
    this.#ring[(this.#head + this.#length) % maximumSpans] = span;
    this.#length++;
    this.#bytes += weight;
    if (this.#length === sendAtSpans) this.#dependencies.onThreshold();
  }

  /** The same, written down at once. */
  addEncoded(span: SpanRecord): void {
    const text = this.#encode(span, this.#dependencies.encodeContext());
    if (text !== '') this.add(text);
  }

  #shift(): SpanRecord | string {
    const item = this.#ring[this.#head] as SpanRecord | string; // callers look at the length first
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % maximumSpans;
    this.#length--;
    this.#bytes -= weigh(item);
    return item;
  }

  /** Empty for what cannot be encoded. */
  #encode(span: SpanRecord, context: EncodeContext): string {
    try {
      const json = takeJson(span, context);
      if (json !== '') return this.#form === null ? json : this.#form(span, json);
      this.drop('encode', 1);
    } catch (error) {
      this.drop('encode', 1);
      this.#dependencies.faults.record('encoding a span', error);
    }
    return '';
  }

  /** Counts spans that will not arrive. */
  drop(reason: string, count: number): void {
    if (count === 0) return;
    this.#dependencies.onDrop(count);
    this.#droppedBy[reason] = (this.#droppedBy[reason] ?? 0) + count;
  }
}

/** Counters since the start of the process. */
export interface QueueCounters {
  readonly sent: number;
  readonly waiting: number;
  /** Spans that will not arrive, by reason: `overflow` (too many waited), `too-large`, `rejected` by the receiver, `encode`. */
  readonly dropped: Record<string, number>;
}

/**
 * The JSON of a span, written once however many queues ask for it, since it empties the span; it is kept until the last of them has.
 * Throws the first time when it cannot be written, and is empty after that.
 */
export function takeJson(span: SpanRecord, context: EncodeContext): string {
  const isLast = --span.readers <= 0;
  const known = span.json;
  if (known !== null) {
    if (isLast) span.json = null;
    return known;
  }
  span.json = isLast ? null : '';
  try {
    const json = encodeSpan(span, context);
    if (!isLast) span.json = json;
    return json;
  } finally {
    empty(span);
  }
}

/** Writes the JSON of a span now, for all who will take it. Throws when it cannot be written; it is empty then. */
export function writeJson(span: SpanRecord, context: EncodeContext): void {
  span.readers = Math.max(1, span.readers) + 1;
  try {
    span.weight = takeJson(span, context).length;
  } finally {
    span.json ??= '';
  }
}

/** A queue does not want a span any more. */
function release(span: SpanRecord): void {
  if (--span.readers > 0) return;
  span.json = null;
  empty(span);
}

function weigh(item: SpanRecord | string): number {
  return typeof item === 'string' ? item.length : item.weight;
}

/**
 * What a timer or a listener of the application may still hold for ever must not hold the request's data. Baggage stays: it is
 * part of the context, which the application may still inject, or start a child of.
 */
export function empty(span: SpanRecord): void {
  span.http = null;
  span.sdk = null;
  span.stack = null;
}
