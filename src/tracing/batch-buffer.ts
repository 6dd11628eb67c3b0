// The bytes of one batch of spans, in memory that is used over and over.

const firstBytes = 64 * 1024;
/** What is kept between batches; a larger one is given back to the system. */
const keptBytes = 512 * 1024;
const bytesPerUnit = 3; // of UTF-8 for one UTF-16 unit, at most
const piecesAtOnce = 32;

/** What `bytes()` returns holds until the next `clear()`. */
export class BatchBuffer {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  #text = '';
  #pieces = 0;

  clear(): void {
    this.#length = 0;
    this.#text = '';
    this.#pieces = 0;
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  /** Adds text; a few pieces are put together before they become bytes, because each conversion has its price. */
  add(text: string): void {
    this.#text += text;
    if (++this.#pieces >= piecesAtOnce) this.#convert();
  }

  bytes(): Buffer {
    this.#convert();
    return this.#buffer.subarray(0, this.#length);
  }

  #convert(): void {
    const text = this.#text;
    this.#text = '';
    this.#pieces = 0;
    if (text === '') return;
    this.#makeRoom(text.length * bytesPerUnit);
    // Text of one byte each need not be encoded.
    const isPlain = Buffer.byteLength(text) === text.length;
    this.#length += this.#buffer.write(text, this.#length, isPlain ? 'latin1' : 'utf8');
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
