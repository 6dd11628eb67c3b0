// Encoded spans as bytes, the oldest first: outside V8's heap, where waiting costs no collection of garbage.
import type { BatchBuffer } from './batch-buffer.js';

const firstBytes = 64 * 1024;
/** Kept by `release()`. */
const keptBytes = 512 * 1024;
/** What `before` is taken to be long. */
const assumedBefore = 100;
const maxReserveBytes = 1024 * 1024;
const bytesPerUnit = 3; // of UTF-8 for one UTF-16 unit, at most

/** Bounded in number by its maker, and in bytes by its user. */
export class SpanBuffer {
  readonly #maxSpans: number;
  readonly #lengths: Uint32Array;
  /** What spans stand together by, such as the service's name; none until one has such a thing. */
  #resourceKeys: string[] | null = null;
  /** Place of the oldest in the two rings above. */
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

  /** As the newest; the caller has made sure that there is a place. */
  push(text: string, group: string): void {
    this.#makeRoom(text.length * bytesPerUnit);
    const length = this.#buffer.write(text, this.#end, 'utf8');
    const place = (this.#head + this.#count) % this.#maxSpans;
    this.#lengths[place] = length;
    if (this.#resourceKeys !== null) this.#resourceKeys[place] = group;
    else if (group !== '') this.#beginGroups(place, group);
    this.#end += length;
    this.#count++;
  }

  /** Drops the oldest ones. */
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

  /** Gives memory back when nothing waits, and nothing is expected soon. */
  release(): void {
    if (this.#count === 0 && this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  /**
   * Writes the oldest ones to a batch, at most so many, and no other once there are `bytes`; `before` gives what stands in front of each.
   * Returns how many they are.
   */
  copyTo(batch: BatchBuffer, spans: number, bytes: number, before: (group: string, index: number) => string): number {
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

  #beginGroups(place: number, group: string): void {
    this.#resourceKeys = new Array<string>(this.#maxSpans).fill('');
    this.#resourceKeys[place] = group;
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const used = this.#end - this.#start;
    const needed = used + bytes;
    // What is moved is at most four times what has gone since the last time.
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
