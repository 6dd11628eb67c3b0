// Finished spans that wait for one receiver, the oldest dropped first.
import type { InternalErrors } from '../core/internal-errors.js';
import { BatchBuffer } from './batch-buffer.js';
import { type EncodeContext, encodeSpan } from './instana-json.js';
import type { SpanRecord } from './span.js';
import { SpanBuffer } from './span-buffer.js';

const maxSpans = 5000;
const maxBytes = 8 * 1024 * 1024;
const sendAtSpans = 500;
/** Longest that spans are encoded in one go, and how many between two looks at the clock. */
const sliceMs = 4;
const sliceSpans = 50;
/** So many wait as objects, at most, between two turns of the event loop: older ones would outlive a collection of young garbage. */
const encodeAtSpans = 32;
/** So many are a batch as soon as they are encoded: the rest may come faster than it is encoded, and must not hold it up. */
const enoughSpans = 2500;

// Taken when this file is loaded, since a host under test may fake them later.
const { setImmediate } = globalThis;

export interface SpanQueueDependencies {
  readonly errors: InternalErrors;
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

/** How a receiver wants spans to be written. */
export interface SpanSerializer {
  /** The complete text of a span. */
  serialize(span: SpanRecord, context: EncodeContext): string;
  /** What spans that are encoded now have in common; those with one key are sent together. */
  resourceKey(): string;
}

/** The agent's protocol: the beginning of the object, with `f`, is known only when the span is sent. */
const instanaSerializer: SpanSerializer = {
  serialize: (span, context) => `${encodeSpan(span, context)}}`,
  resourceKey: () => '',
};

/** Bounded in number (5,000 spans) and weight (8 MiB). Everything here runs without being able to throw into a host's call. */
export class SpanQueue {
  readonly #dependencies: SpanQueueDependencies;
  /** The older ones. Those in flight are the oldest of them, and stay until they have arrived. */
  readonly #encoded: SpanBuffer = new SpanBuffer(maxSpans);
  /** The newer ones, a ring: spans as they finished, or their text where that could not wait. */
  readonly #unencoded: (SpanRecord | string | undefined)[] = new Array(maxSpans);
  #head = 0;
  #length = 0;
  #estimatedBytes = 0;
  #inFlight = 0;
  /** Of those in flight: pushed out by newer ones, so that they cannot be sent again. */
  #evictedInFlight = 0;
  readonly #batch: BatchBuffer = new BatchBuffer();
  #batchLimit: number;
  #sent = 0;
  readonly #droppedBy: Record<string, number> = Object.create(null);
  #serializer: SpanSerializer = instanaSerializer;
  /** The receiver has got something, so that all is known that the text of a span depends on. */
  #encodesEarly = false;
  #isScheduled = false;
  readonly #encodeSoon: () => void;

  constructor(dependencies: SpanQueueDependencies) {
    this.#dependencies = dependencies;
    this.#batchLimit = dependencies.batchSpans;
    this.#encodeSoon = dependencies.errors.quietly('encoding spans', () => {
      this.#isScheduled = false;
      this.#encodeUnencoded(maxSpans);
    });
  }

  /** To be called before anything is encoded; without it spans are written in the agent's form. */
  useSerializer(serializer: SpanSerializer): void {
    this.#serializer = serializer;
  }

  /**
   * Encodes spans of the next batch for a few milliseconds. True when all of them are; else it is to be called again in another
   * turn of the event loop, before `take()`, which encodes in one go what is left.
   */
  encodeSome(): boolean {
    return this.#encodeUnencoded(this.#toEncode());
  }

  /**
   * The oldest waiting spans as bytes, or null when none wait. `before` gives what is written in front of a span, `end` what stands
   * behind all of them. The spans are in flight, and the bytes hold, until one of the next three calls.
   */
  take(
    before: (group: string, index: number) => string,
    end: string,
  ): { readonly body: Buffer; readonly count: number } | null {
    if (this.#inFlight > 0) this.requeue();
    const { batchBytes, encodeContext } = this.#dependencies;
    const context = encodeContext();
    const spans = this.#toEncode();
    while (this.#length > 0 && this.#encoded.count < spans && this.#encoded.bytes < batchBytes)
      this.#encodeOldest(context);
    const batch = this.#batch;
    this.#inFlight = this.#encoded.copyTo(batch, this.#batchLimit, batchBytes, before);
    if (this.#inFlight === 0) {
      batch.release();
      this.#encoded.release();
      return null;
    }
    batch.addText(end);
    return { body: batch.bytes(), count: this.#inFlight };
  }

  /** The receiver has what was taken, but for `rejected` spans of it. */
  acknowledge(rejected: number = 0): void {
    const lost = Math.min(rejected, this.#inFlight);
    this.#encodesEarly = true;
    this.#sent += this.#inFlight - lost;
    this.drop('rejected', lost);
    this.#forget();
    this.#batchLimit = Math.min(this.#dependencies.batchSpans, this.#batchLimit * 2);
  }

  /** The receiver does not want what was taken, and would not later either. */
  refused(): void {
    this.acknowledge(this.#inFlight);
  }

  /** What was taken waits again, but for what newer spans have pushed out. */
  requeue(): void {
    this.drop('overflow', this.#evictedInFlight);
    this.#evictedInFlight = 0;
    this.#inFlight = 0;
    this.#batch.clear();
    this.#encodesEarly = false; // nobody may come for them
  }

  /** The receiver refused the size: next time half as many; a span that is too large by itself is given up. */
  tooLarge(): void {
    if (this.#inFlight <= 1) {
      this.drop('too-large', this.#inFlight);
      this.#forget();
      return;
    }
    this.#batchLimit = Math.max(1, this.#inFlight >> 1);
    this.requeue();
  }

  /** Finished spans that wait, those in flight not counted. */
  waiting(): number {
    return this.#encoded.count - (this.#inFlight - this.#evictedInFlight) + this.#length;
  }

  counters(): QueueCounters {
    return { sent: this.#sent, waiting: this.#encoded.count + this.#length, dropped: { ...this.#droppedBy } };
  }

  /** The newest; a text is one that is encoded for this queue. */
  add(span: SpanRecord | string): void {
    const estimatedBytes = estimateBytes(span);
    const room = maxBytes - estimatedBytes;
    while (this.#estimatedBytes + this.#encoded.bytes > room || this.#length + this.#encoded.count >= maxSpans) {
      if (!this.#dropOldest()) break;
    }
    this.#unencoded[(this.#head + this.#length) % maxSpans] = span;
    this.#length++;
    this.#estimatedBytes += estimatedBytes;
    if (this.#length >= encodeAtSpans && this.#encodesEarly && !this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#encodeSoon).unref();
    }
    if (this.waiting() === sendAtSpans) this.#dependencies.onThreshold();
  }

  /** Adds a span as its text, which is written at once. The caller drops the payload afterwards. */
  addEncoded(span: SpanRecord): void {
    const text = this.#serialize(span, this.#dependencies.encodeContext());
    if (text !== '') this.add(text);
  }

  /** False when there is none. */
  #dropOldest(): boolean {
    if (this.#encoded.count > 0) {
      this.#encoded.shift(1);
      // Of those in flight it is not known yet whether they arrive.
      if (this.#evictedInFlight < this.#inFlight) this.#evictedInFlight++;
      else this.drop('overflow', 1);
      return true;
    }
    if (this.#length === 0) return false;
    const dropped = this.#shift();
    if (typeof dropped !== 'string') release(dropped);
    this.drop('overflow', 1);
    return true;
  }

  /** Those in flight are done with. */
  #forget(): void {
    this.#encoded.shift(this.#inFlight - this.#evictedInFlight);
    this.#evictedInFlight = 0;
    this.#inFlight = 0;
    this.#batch.clear();
  }

  /** How many have to be encoded before a batch is sent; it takes what else is. */
  #toEncode(): number {
    return Math.min(this.#batchLimit, enoughSpans);
  }

  /** Encodes for a few milliseconds; true when `spans` are, or all there are. */
  #encodeUnencoded(spans: number): boolean {
    const { now, encodeContext } = this.#dependencies;
    const context = encodeContext();
    const startMs = now();
    let left = sliceSpans;
    while (this.#length > 0 && this.#encoded.count < spans) {
      if (left-- === 0) {
        if (now() - startMs >= sliceMs) return false;
        left = sliceSpans;
      }
      this.#encodeOldest(context);
    }
    return true;
  }

  /** Of those that are not. */
  #encodeOldest(context: EncodeContext): void {
    const span = this.#shift();
    const text = typeof span === 'string' ? span : this.#serialize(span, context);
    if (typeof span !== 'string') release(span);
    if (text !== '') this.#encoded.push(text, this.#serializer.resourceKey());
  }

  #shift(): SpanRecord | string {
    const item = this.#unencoded[this.#head] as SpanRecord | string; // callers look at the length first
    this.#unencoded[this.#head] = undefined;
    this.#head = (this.#head + 1) % maxSpans;
    this.#length--;
    this.#estimatedBytes -= estimateBytes(item);
    return item;
  }

  /** Empty for what cannot be encoded. */
  #serialize(span: SpanRecord, context: EncodeContext): string {
    try {
      return this.#serializer.serialize(span, context);
    } catch (error) {
      this.drop('encode', 1);
      this.#dependencies.errors.record('encoding a span', error);
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

/** A queue has encoded a span, or gives it up; the payload goes when no other queue still has to encode it. */
function release(span: SpanRecord): void {
  if (--span.pendingEncoders <= 0) dropPayload(span);
}

function estimateBytes(item: SpanRecord | string): number {
  return typeof item === 'string' ? item.length : item.estimatedBytes;
}

/**
 * What a timer or a listener of the application may still hold for ever must not hold the request's data. Baggage stays: it is
 * part of the context, which the application may still inject, or start a child of.
 */
export function dropPayload(span: SpanRecord): void {
  span.http = null;
  span.sdk = null;
  span.stack = null;
}
