// The sensor's log: one line per event with a level, on stderr or to the application's logger.
import { writeSync } from 'node:fs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off';
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'off'];

/** A replacement for stderr: the four methods that every logging library has. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const maxLineLength = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/g;

/** One line without control characters, at most 200 characters: log lines may contain untrusted input. */
export function oneLine(text: string): string {
  const cut = text.length > maxLineLength ? `${text.slice(0, maxLineLength - 1)}…` : text;
  return cut.replace(controlCharacters, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function writeToStderr(line: string): void {
  try {
    // Not console, which the application may have replaced; not process.stderr, whose getter creates a stream.
    writeSync(2, line);
  } catch {
    // Closed or full (EAGAIN on a non-blocking pipe): a log line is not worth more.
  }
}

/** Writes lines of at least the given level. Never throws, even if the application's logger does. */
export class Log implements Logger {
  #threshold: number;
  #target: Logger | undefined;
  readonly #logged: Set<string> = new Set();

  constructor(level: LogLevel, target?: Logger) {
    this.#threshold = logLevels.indexOf(level);
    this.#target = target;
  }

  /** Replaces level and target; used when the application configures the sensor after it has started. */
  use(level: LogLevel, target: Logger | undefined): void {
    this.#threshold = logLevels.indexOf(level);
    this.#target = target;
  }

  debug(message: string): void {
    this.#write(0, 'debug', message);
  }

  info(message: string): void {
    this.#write(1, 'info', message);
  }

  warn(message: string): void {
    this.#write(2, 'warn', message);
  }

  error(message: string): void {
    this.#write(3, 'error', message);
  }

  /** A warning that is written the first time only, for a cause that may come back with every request. */
  warnOnce(cause: string, message: string): void {
    if (this.#logged.has(cause) || this.#logged.size >= 1000) return;
    this.#logged.add(cause);
    this.warn(message);
  }

  /** The same at debug level; nothing is remembered while that is off. */
  debugOnce(cause: string, message: string): void {
    if (this.#threshold > 0 || this.#logged.has(cause) || this.#logged.size >= 1000) return;
    this.#logged.add(cause);
    this.debug(message);
  }

  #write(severity: number, level: Exclude<LogLevel, 'off'>, message: string): void {
    if (severity < this.#threshold) return;
    try {
      if (this.#target !== undefined) this.#target[level](oneLine(message));
      else writeToStderr(`[ts-sensor] ${level}: ${oneLine(message)}\n`);
    } catch {
      // The application's logger failed; there is nowhere left to say so.
    }
  }
}
