// Trace and span ids: making them, and reading those of other services.
import type { randomFillSync } from 'node:crypto';

const idDigits = 16;
const poolIds = 512;
const zeros = '0'.repeat(idDigits);
const hexadecimal = /^[0-9a-f]{1,32}$/i;
/** The form of nearly all ids. */
const commonForm = /^(?!0+$)[0-9a-f]{16}(?:[0-9a-f]{16})?$/;

/**
 * Random ids of 16 lower-case hexadecimal digits, never all zero.
 * Drawn from the secure random source in blocks, because a call for 8 bytes costs as much as one for 4,096 bytes.
 */
export class IdPool {
  #fill: typeof randomFillSync | undefined;
  #digits = '';
  #position = 0;

  next(): string {
    if (this.#position >= this.#digits.length) this.#refill();
    const id = this.#digits.slice(this.#position, this.#position + idDigits);
    this.#position += idDigits;
    return id === zeros ? this.next() : id;
  }

  #refill(): void {
    // Loaded with the first id, so that a process without requests does not pay for it.
    this.#fill ??= (require('node:crypto') as typeof import('node:crypto')).randomFillSync;
    this.#digits = this.#fill(Buffer.allocUnsafe((poolIds * idDigits) / 2)).toString('hex');
    this.#position = 0;
  }
}

/**
 * Reads an id of another service: in lower case, padded with zeros to 16 digits or, if longer, to 32.
 * Null for an invalid one: not hexadecimal, empty, longer than 32 digits, all zero.
 */
export function parseId(text: string | undefined): string | null {
  if (text !== undefined && commonForm.test(text)) return text;
  if (text === undefined || text.length > 2 * idDigits || !hexadecimal.test(text)) return null;
  const id = text.toLowerCase().padStart(text.length > idDigits ? 2 * idDigits : idDigits, '0');
  return /[^0]/.test(id) ? id : null;
}

/** The 16 digits of an id that spans and headers have: the last ones of a long id. */
export function shortId(id: string): string {
  return id.length > idDigits ? id.slice(-idDigits) : id;
}

/** Whether `shortId` of this id is valid: the last 16 digits of a long one may all be zero. */
export function hasShortId(id: string): boolean {
  return id.length === idDigits || !id.endsWith(zeros);
}
