// The bounded queue of finished spans for one receiver. On overflow it drops the oldest.
import { systemClock } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import { BatchBuffer } from './batch-buffer.js';
import { type EncodeContext, encodeSpan } from './instana-json.js';
import type { SpanRecord } from './span.js';
import { SpanBuffer } from './span-buffer.js';

const maxSpans = 5000;
const maxBytes = 8 * 1024 * 1024;
const sendAtSpans = 500;
/** Maximum time spent encoding in one go, and the number of spans encoded between two clock reads. */
const sliceMs = 4;
const sliceSpans = 50;
/** With this many unencoded spans, encoding starts in the next turn of the event loop: older objects would survive a minor GC. */
const encodeAtSpans = 32;
/** This many encoded spans make a batch. New spans may arrive faster than they are encoded and must not delay it. */
const enoughSpans = 2500;

export interface SpanQueueDependencies {
  readonly errors: InternalErrors;
  readonly now: () => number;
  readonly encodeContext: () => EncodeContext;
  /** Maximum size of a batch. */
  readonly batchSpans: number;
  readonly batchBytes: number;
  /** Called when the number of waiting spans reaches 500. */
  readonly onThreshold: () => void;
  /** Called with the number of spans just dropped. */
  readonly onDrop: (count: number) => void;
}

/** How a receiver serialises a span. */
export interface SpanSerializer {
  /** The complete text of a span. May throw; the span is then dropped. */
  serialize(span: SpanRecord, context: EncodeContext): string;
  /** Key of the resource that spans encoded now belong to. Spans with the same key are grouped in a request. */
  resourceKey(): string;
}

/** The agent's protocol. The opening brace and `f` are added on sending, since `f` is unknown until then. */
const instanaSerializer: SpanSerializer = {
  serialize: (span, context) => `${encodeSpan(span, context)}}`,
  resourceKey: () => '',
};

/** Bounded in number (5,000 spans) and size (8 MiB). Nothing here throws into the application's calls. */
export class SpanQueue {
  readonly #dependencies: SpanQueueDependencies;
  /** The older spans. The spans in flight are the oldest of these and stay until the receiver has them. */
  readonly #encoded: SpanBuffer = new SpanBuffer(maxSpans);
  /** The newer spans, in a ring: records, or text if the span had to be encoded at once. */
  readonly #unencoded: (SpanRecord | string | undefined)[] = new Array(maxSpans);
  #head = 0;
  #length = 0;
  #estimatedBytes = 0;
  #inFlight = 0;
  /** Number of spans in flight that newer ones have evicted, so they cannot be sent again. */
  #evictedInFlight = 0;
  readonly #batch: BatchBuffer = new BatchBuffer();
  #batchLimit: number;
  #sent = 0;
  readonly #droppedBy: Record<string, number> = Object.create(null);
  #serializer: SpanSerializer = instanaSerializer;
  /** The receiver has accepted a batch, so everything that the text of a span depends on is known. */
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

  /** Call before anything is encoded. The default is the agent's format. */
  useSerializer(serializer: SpanSerializer): void {
    this.#serializer = serializer;
  }

  /**
   * Encodes spans of the next batch for a few milliseconds. Returns true once all of them are encoded. Otherwise, call it again
   * in another turn of the event loop before `take()`, which encodes the rest in one go.
   */
  encodeSome(): boolean {
    return this.#encodeUnencoded(this.#toEncode());
  }

  /**
   * The oldest waiting spans as bytes, or null if none wait. `before` returns the text before each span; `end` follows the last.
   * The spans are in flight, and the bytes valid, until `acknowledge()`, `requeue()` or `tooLarge()` is called.
   */
  take(
    before: (resourceKey: string, index: number) => string,
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

  /** The receiver accepted the batch, except for `rejected` spans. */
  acknowledge(rejected: number = 0): void {
    const lost = Math.min(rejected, this.#inFlight);
    this.#encodesEarly = true;
    this.#sent += this.#inFlight - lost;
    this.drop('rejected', lost);
    this.#forget();
    this.#batchLimit = Math.min(this.#dependencies.batchSpans, this.#batchLimit * 2);
  }

  /** Puts the batch back to the front of the queue, except for spans that newer ones have evicted. */
  requeue(): void {
    this.drop('overflow', this.#evictedInFlight);
    this.#evictedInFlight = 0;
    this.#inFlight = 0;
    this.#batch.clear();
    this.#encodesEarly = false; // they may never be taken
  }

  /** The receiver refused the size: the next batch has half as many spans. A single span that is too large is dropped. */
  tooLarge(): void {
    if (this.#inFlight <= 1) {
      this.drop('too-large', this.#inFlight);
      this.#forget();
      return;
    }
    this.#batchLimit = Math.max(1, this.#inFlight >> 1);
    this.requeue();
  }

  /** Number of finished spans that wait, without those in flight. */
  waiting(): number {
    return this.#encoded.count - (this.#inFlight - this.#evictedInFlight) + this.#length;
  }

  counters(): QueueCounters {
    return { sent: this.#sent, waiting: this.#encoded.count + this.#length, dropped: { ...this.#droppedBy } };
  }

  /** Appends a span; text is a span already encoded for this queue. */
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
      systemClock.setImmediate(this.#encodeSoon).unref();
    }
    if (this.waiting() === sendAtSpans) this.#dependencies.onThreshold();
  }

  /** Encodes a span at once and appends the text. The caller drops the payload afterwards. */
  addEncoded(span: SpanRecord): void {
    const text = this.#serialize(span, this.#dependencies.encodeContext());
    if (text !== '') this.add(text);
  }

  /** Returns false if the queue is empty. */
  #dropOldest(): boolean {
    if (this.#encoded.count > 0) {
      this.#encoded.shift(1);
      // A span in flight may still arrive, so it is not counted as dropped yet.
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

  /** Removes the spans in flight. */
  #forget(): void {
    this.#encoded.shift(this.#inFlight - this.#evictedInFlight);
    this.#evictedInFlight = 0;
    this.#inFlight = 0;
    this.#batch.clear();
  }

  /** Number of spans to encode before a batch is sent. The batch also takes any others already encoded. */
  #toEncode(): number {
    return Math.min(this.#batchLimit, enoughSpans);
  }

  /** Encodes for a few milliseconds. Returns true once `spans`, or all there are, are encoded. */
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

  /** Encodes the oldest unencoded span. */
  #encodeOldest(context: EncodeContext): void {
    const span = this.#shift();
    const text = typeof span === 'string' ? span : this.#serialize(span, context);
    if (typeof span !== 'string') release(span);
    if (text !== '') this.#encoded.push(text, this.#serializer.resourceKey());
  }

  #shift(): SpanRecord | string {
    const item = this.#unencoded[this.#head] as SpanRecord | string; // callers check the length first
    this.#unencoded[this.#head] = undefined;
    this.#head = (this.#head + 1) % maxSpans;
    this.#length--;
    this.#estimatedBytes -= estimateBytes(item);
    return item;
  }

  /** The text of a span; empty if encoding fails. */
  #serialize(span: SpanRecord, context: EncodeContext): string {
    try {
      return this.#serializer.serialize(span, context);
    } catch (error) {
      this.drop('encode', 1);
      this.#dependencies.errors.record('encoding a span', error);
    }
    return '';
  }

  /** Counts and reports dropped spans. */
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
  /** Dropped spans by reason: `overflow` (too many waited), `too-large`, `rejected` by the receiver, `encode`. */
  readonly dropped: Record<string, number>;
}

/** A queue has encoded or dropped a span. Drops the payload once no other queue still has to encode it. */
function release(span: SpanRecord): void {
  if (--span.pendingEncoders <= 0) dropPayload(span);
}

function estimateBytes(item: SpanRecord | string): number {
  return typeof item === 'string' ? item.length : item.estimatedBytes;
}

/**
 * Drops the request data of a span, because the application's timers and listeners may hold the record forever. Baggage stays:
 * it is part of the span context, which the application may still inject or use as a parent.
 */
export function dropPayload(span: SpanRecord): void {
  span.http = null;
  span.sdk = null;
  span.stack = null;
}
