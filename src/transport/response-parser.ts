// Parses one HTTP/1.1 response (RFC 9112) from the bytes of a connection, as far as the sensor needs it.
import type { HttpResponse } from './message.js';

const maxHeadBytes = 65_536;
/** Longer responses are truncated; the agent sends none. */
export const maxResponseBytes: number = 1024 * 1024;
const maxLineBytes = 4096;
const endOfHead = '\r\n\r\n';

/** The part that is expected next. */
type Part = 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'until-close' | 'nothing';

/** Parses what `push()` receives until `state` is no longer `reading`. */
export class ResponseParser {
  readonly #isHeadOnly: boolean;
  #part: Part = 'head';
  /** The part of the head or line read so far, as Latin-1. */
  #text = '';
  /** Bytes left in the body or chunk. */
  #left = 0;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  #status = 0;
  #server = '';
  #retryAfter: string | null = null;
  #isKept = false;
  #isComplete = false;
  #isBroken = false;
  #isUntouched = true;

  /** `isHeadOnly`: the request was a HEAD, so the response has no body regardless of its headers. */
  constructor(isHeadOnly: boolean) {
    this.#isHeadOnly = isHeadOnly;
  }

  /** `done`: complete or truncated. `broken`: not HTTP. */
  get state(): 'reading' | 'done' | 'broken' {
    if (this.#isBroken) return 'broken';
    return this.#part === 'nothing' ? 'done' : 'reading';
  }

  /** Whether the head, and with it a status, has been read. */
  get hasHead(): boolean {
    return this.#part !== 'head' && !this.#isBroken;
  }

  /** Whether no byte has arrived yet. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /** Whether the connection can carry another request. */
  get isReusable(): boolean {
    return this.#isComplete && this.#isKept;
  }

  push(chunk: Buffer): void {
    this.#isUntouched = false;
    let rest = chunk;
    while (rest.length > 0 && this.#part !== 'nothing' && !this.#isBroken) rest = this.#take(rest);
    if (rest.length > 0) this.#isKept = false; // bytes after the response
  }

  /** The connection ended, cleanly or not. */
  end(isClean: boolean): void {
    if (this.#part === 'until-close' && isClean) this.#finish();
  }

  response(): HttpResponse {
    return {
      status: this.#status,
      server: this.#server,
      retryAfter: this.#retryAfter,
      text: this.#body.length === 0 ? '' : Buffer.concat(this.#body).toString('utf8'),
      isComplete: this.#isComplete,
    };
  }

  /** Consumes bytes of the expected part and returns the rest. */
  #take(bytes: Buffer): Buffer {
    switch (this.#part) {
      case 'head':
        return this.#takeHead(bytes);
      case 'chunk-size':
      case 'chunk-end':
      case 'trailer':
        return this.#takeLine(bytes);
      case 'until-close':
        this.#keep(bytes);
        return bytes.subarray(bytes.length);
      default:
        return this.#takeBody(bytes);
    }
  }

  #takeHead(bytes: Buffer): Buffer {
    const before = this.#text.length;
    this.#text += bytes.toString('latin1', 0, Math.min(bytes.length, maxHeadBytes + 1));
    const end = this.#text.indexOf(endOfHead, Math.max(0, before - endOfHead.length));
    if (end < 0) {
      const tooLong = this.#text.length > maxHeadBytes;
      this.#isBroken = tooLong || !'HTTP/1.'.startsWith(this.#text.slice(0, 7));
      return bytes.subarray(bytes.length);
    }
    const head = this.#text.slice(0, end);
    this.#text = '';
    this.#readHead(head);
    return bytes.subarray(end + endOfHead.length - before);
  }

  #readHead(head: string): void {
    const [first = '', ...lines] = head.split('\r\n');
    const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first);
    if (match === null) {
      this.#isBroken = true;
      return;
    }
    const status = Number(match[2]);
    // An interim response: the final one follows (RFC 9110, 15.2).
    if (status < 200) return;
    this.#status = status;
    let lengthBytes: number | null = null;
    let isChunked = false;
    let connection = match[1] === '0' ? 'close' : '';
    for (const line of lines) {
      const colon = line.indexOf(':');
      const value = line.slice(colon + 1).trim();
      switch (line.slice(0, Math.max(0, colon)).toLowerCase()) {
        case 'content-length':
          lengthBytes = /^\d{1,15}$/.test(value) ? Number(value) : null;
          break;
        case 'transfer-encoding':
          isChunked = /(?:^|,)\s*chunked$/i.test(value);
          break;
        case 'connection':
          connection = value.toLowerCase();
          break;
        case 'server':
          this.#server = value;
          break;
        case 'retry-after':
          this.#retryAfter = value;
          break;
      }
    }
    this.#isKept = connection !== 'close';
    this.#beginBody(lengthBytes, isChunked);
  }

  #beginBody(lengthBytes: number | null, isChunked: boolean): void {
    if (this.#isHeadOnly || this.#status === 204 || this.#status === 304) {
      this.#finish();
    } else if (isChunked) {
      this.#part = 'chunk-size';
    } else if (lengthBytes !== null) {
      this.#left = lengthBytes;
      this.#part = 'sized';
      if (lengthBytes === 0) this.#finish();
    } else {
      this.#isKept = false;
      this.#part = 'until-close';
    }
  }

  #takeBody(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    this.#keep(part);
    if (this.#left === 0 && this.#part === 'sized') this.#finish();
    else if (this.#left === 0 && this.#part === 'chunk') this.#part = 'chunk-end';
    return bytes.subarray(part.length);
  }

  #takeLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(0x0a);
    this.#text += bytes.toString('latin1', 0, end < 0 ? Math.min(bytes.length, maxLineBytes + 1) : end);
    if (this.#text.length > maxLineBytes) this.#truncate();
    if (end < 0) return bytes.subarray(bytes.length);
    const line = this.#text.trim();
    this.#text = '';
    if (this.#part === 'chunk-end') this.#part = 'chunk-size';
    else if (this.#part === 'trailer') {
      if (line === '') this.#finish();
    } else this.#beginChunk(line);
    return bytes.subarray(end + 1);
  }

  /** Reads the size in hexadecimal digits and ignores extensions after a semicolon (RFC 9112, 7.1). */
  #beginChunk(line: string): void {
    const digits = /^[\da-f]{1,8}(?=\s*(?:;|$))/i.exec(line)?.[0];
    if (digits === undefined) {
      this.#truncate();
      return;
    }
    this.#left = Number.parseInt(digits, 16);
    this.#part = this.#left === 0 ? 'trailer' : 'chunk';
  }

  #keep(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes <= maxResponseBytes) this.#body.push(bytes);
    else this.#truncate();
  }

  #finish(): void {
    this.#isComplete = true;
    this.#part = 'nothing';
  }

  /** Stops reading; the response is what has been read so far. */
  #truncate(): void {
    this.#isKept = false;
    this.#part = 'nothing';
  }
}
