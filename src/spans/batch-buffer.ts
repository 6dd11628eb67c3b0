// Collects the bytes of one batch of spans in a reusable buffer.

const firstBytes = 64 * 1024;
/** The largest buffer kept while there is nothing to send; a larger one is freed. */
const keptBytes = 512 * 1024;
/** Spare room beyond the reserved bytes: the last text needs three times its length for a moment. */
const slackBytes = 1024;
const bytesPerUnit = 3; // maximum in UTF-8 for one UTF-16 code unit

/** The bytes that `bytes()` returns are valid until the next `clear()` or `release()`. */
export class BatchBuffer {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** Clears, and frees a large buffer. Call when no batch follows soon: between batches, reallocating takes more memory. */
  release(): void {
    this.#length = 0;
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  /** Makes room for about this many bytes at once. */
  reserve(bytes: number): void {
    this.#makeRoom(bytes + slackBytes);
  }

  addText(text: string): void {
    this.#makeRoom(text.length * bytesPerUnit);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  addBytes(source: Buffer, start: number, end: number): void {
    this.#makeRoom(end - start);
    this.#length += source.copy(this.#buffer, this.#length, start, end);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.ceil(Math.max(firstBytes, needed, this.#buffer.length * 1.5)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
