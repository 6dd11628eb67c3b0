// The bytes of one batch of spans, in memory that is used over and over.

const firstBytes = 64 * 1024;
/** What is kept while there is nothing to send; more is given back to the system. */
const keptBytes = 512 * 1024;
/** Behind what is reserved: the longest text that follows needs three times its length for a moment. */
const slackBytes = 1024;
const bytesPerUnit = 3; // of UTF-8 for one UTF-16 unit, at most

/** What `bytes()` returns holds until the next `clear()`. */
export class BatchBuffer {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** The same, when no other batch follows soon: between batches memory that comes and goes would be more than what stays. */
  release(): void {
    this.#length = 0;
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  /** Makes room for about so many bytes at once. */
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
