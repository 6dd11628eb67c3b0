// Holds encoded spans as bytes, oldest first, outside V8's heap so that they add no garbage collection while they wait.
import type { BatchBuffer } from './batch-buffer.js';

const firstBytes = 64 * 1024;
/** The largest buffer that `release()` keeps. */
const keptBytes = 512 * 1024;
/** Estimated length of the text before a span. */
const assumedBefore = 100;
const maxReserveBytes = 1024 * 1024;
const bytesPerUnit = 3; // maximum in UTF-8 for one UTF-16 code unit

/** A queue of at most `maxSpans` spans. The caller limits the bytes. */
export class SpanBuffer {
  readonly #maxSpans: number;
  readonly #lengths: Uint32Array;
  /** Keys that group spans, such as the service name; null until a span has one. */
  #resourceKeys: string[] | null = null;
  /** Index of the oldest span in the two rings above. */
  #head = 0;
  #count = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(maxSpans: number) {
    this.#maxSpans = maxSpans;
    this.#lengths = new Uint32Array(maxSpans);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#end - this.#start;
  }

  /** Appends a span. The caller makes sure that there is room for it. */
  push(text: string, resourceKey: string): void {
    this.#makeRoom(text.length * bytesPerUnit);
    const length = this.#buffer.write(text, this.#end, 'utf8');
    const place = (this.#head + this.#count) % this.#maxSpans;
    this.#lengths[place] = length;
    if (this.#resourceKeys !== null) this.#resourceKeys[place] = resourceKey;
    else if (resourceKey !== '') this.#beginResourceKeys(place, resourceKey);
    this.#end += length;
    this.#count++;
  }

  /** Removes the oldest spans. */
  shift(count: number): void {
    for (let left = Math.min(count, this.#count); left > 0; left--) {
      this.#start += this.#lengths[this.#head] ?? 0;
      this.#head = (this.#head + 1) % this.#maxSpans;
      this.#count--;
    }
    if (this.#count > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  /** Frees a large buffer if no span waits. Call when no span is expected soon. */
  release(): void {
    if (this.#count === 0 && this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  /**
   * Copies the oldest spans to a batch: at most `spans`, and no more once `bytes` is reached. `before` returns the text before each
   * span. Returns the number of spans copied.
   */
  copyTo(
    batch: BatchBuffer,
    spans: number,
    bytes: number,
    before: (resourceKey: string, index: number) => string,
  ): number {
    const maxSpans = Math.min(spans, this.#count);
    let count = 0;
    let length = 0;
    for (; count < maxSpans && length < bytes; count++)
      length += this.#lengths[(this.#head + count) % this.#maxSpans] ?? 0;
    batch.reserve(length + count * assumedBefore);
    let position = this.#start;
    for (let index = 0; index < count; index++) {
      const place = (this.#head + index) % this.#maxSpans;
      const end = position + (this.#lengths[place] ?? 0);
      batch.addText(before(this.#resourceKeys?.[place] ?? '', index));
      batch.addBytes(this.#buffer, position, end);
      position = end;
    }
    return count;
  }

  #beginResourceKeys(place: number, resourceKey: string): void {
    this.#resourceKeys = new Array<string>(this.#maxSpans).fill('');
    this.#resourceKeys[place] = resourceKey;
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const used = this.#end - this.#start;
    const needed = used + bytes;
    // Moves at most four times the bytes removed since the last move.
    if (needed <= this.#buffer.length && this.#start * 4 >= used) this.#buffer.copyWithin(0, this.#start, this.#end);
    else {
      const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, needed + Math.min(needed, maxReserveBytes)));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#buffer = larger;
    }
    this.#start = 0;
    this.#end = used;
  }
}
