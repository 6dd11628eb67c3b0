// Colours for the terminal, and untrusted text made safe to print.
import type { WriteStream } from 'node:tty';

/** Functions that wrap text in a colour, or return it unchanged if there are no colours. */
export interface Colors {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** Whether a stream is a terminal and its user has not switched colours off. */
export function wantsColors(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** The colours, or functions that return the text unchanged. */
export function createColors(isColoured: boolean): Colors {
  const color = (start: number, end: number) => (text: string) =>
    isColoured ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: color(1, 22),
    dim: color(2, 22),
    red: color(31, 39),
    green: color(32, 39),
    yellow: color(33, 39),
    cyan: color(36, 39),
  };
}

// Control characters could control the terminal; bidirectional and invisible ones could make a text read as another.
const nonPrintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text as one line of at most `maxLength` characters, with each character that cannot be printed as its code. */
export function toPrintable(text: string, maxLength: number): string {
  // Cut by characters, not by code units, so that no surrogate pair is split.
  const characters = Array.from(text.slice(0, maxLength * 2));
  const isCut = characters.length > maxLength || text.length > maxLength * 2;
  const kept = isCut ? `${characters.slice(0, maxLength - 1).join('')}…` : text;
  return kept.replace(nonPrintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
