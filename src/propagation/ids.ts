// Trace and span ids: making them, and reading those of strangers.
import type { randomFillSync } from 'node:crypto';

const idDigits = 16;
const poolIds = 512;
const nothing = '0'.repeat(idDigits);
const hexadecimal = /^[0-9a-f]{1,32}$/i;
/** As ids nearly always come. */
const usual = /^(?!0+$)[0-9a-f]{16}(?:[0-9a-f]{16})?$/;

/**
 * Random ids of 16 lower-case hexadecimal digits, never all zero.
 * Drawn from the secure random source in blocks, because a call for 8 bytes costs as much as one for 4,096.
 */
export class IdPool {
  #fill: typeof randomFillSync | undefined;
  #digits = '';
  #position = 0;

  next(): string {
    if (this.#position >= this.#digits.length) this.#refill();
    const id = this.#digits.slice(this.#position, this.#position + idDigits);
    this.#position += idDigits;
    return id === nothing ? this.next() : id;
  }

  #refill(): void {
    // Loaded with the first id: a start that serves nothing does not pay for it.
    this.#fill ??= (require('node:crypto') as typeof import('node:crypto')).randomFillSync;
    this.#digits = this.#fill(Buffer.allocUnsafe((poolIds * idDigits) / 2)).toString('hex');
    this.#position = 0;
  }
}

/**
 * An id as a neighbour sent it, in lower case, padded with zeros to 16 or, when longer, to 32 digits.
 * Null for anything that is no id: not hexadecimal, empty, longer than 32 digits, all zero.
 */
export function parseId(text: string | undefined): string | null {
  if (text !== undefined && usual.test(text)) return text;
  if (text === undefined || text.length > 2 * idDigits || !hexadecimal.test(text)) return null;
  const id = text.toLowerCase().padStart(text.length > idDigits ? 2 * idDigits : idDigits, '0');
  return /[^0]/.test(id) ? id : null;
}

/** The 16 digits that go into spans and headers: the last ones of a long id. */
export function shortId(id: string): string {
  return id.length > idDigits ? id.slice(-idDigits) : id;
}

/** Whether these digits are an id: a long one may be nothing but zeros where they are taken from. */
export function hasShortId(id: string): boolean {
  return id.length === idDigits || !id.endsWith(nothing);
}
