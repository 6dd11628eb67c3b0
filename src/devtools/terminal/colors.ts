// Colours for the terminal, and text of strangers made harmless for it.
import type { WriteStream } from 'node:tty';

/** Wraps text in a colour, or leaves it as it is where there are no colours. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** Whether a stream is a terminal whose user wants colours. */
export function wantsColour(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** The colours, or none. */
export function createPaint(isColoured: boolean): Paint {
  const paint = (start: number, end: number) => (text: string) =>
    isColoured ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

// Control characters could drive the terminal; the bidirectional and invisible ones could make text read as another.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line of at most so many characters, in which nothing but visible characters is left. */
export function visible(text: string, maximumLength: number): string {
  // Cut first, and by characters: half a surrogate pair is no character.
  const characters = Array.from(text.slice(0, maximumLength * 2));
  const isCut = characters.length > maximumLength || text.length > maximumLength * 2;
  const kept = isCut ? `${characters.slice(0, maximumLength - 1).join('')}…` : text;
  return kept.replace(harmful, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
