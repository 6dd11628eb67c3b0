// Stack frames of a span: taken cheaply while the application waits, made readable later.
import type { StackFrame } from '../protocol/wire-span.js';
import type { CapturedStack } from './span.js';

const frameLine = /^\s+at (?:(.*?) \()?(.*?)(?::(\d+))?(?::\d+)?\)?$/;

/** What is enough to see where calls come from. One costs as much as several spans: V8 has to take optimised frames apart. */
const stacksPerSecond = 100;

/** Takes the stacks of calls, at most 100 in a second: what they cost has a bound, however many calls an application makes. */
export class CallStacks {
  #secondBegan: number = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** The stack of a call made at `tick` (monotonic, milliseconds), as `holdStack` gives it; null also beyond the bound. */
  take(limit: number, below: (...args: never[]) => unknown, tick: number): CapturedStack | null {
    if (tick - this.#secondBegan >= 1000) {
      this.#secondBegan = tick;
      this.#left = stacksPerSecond;
    }
    if (this.#left === 0) return null;
    this.#left--;
    return captureStack(limit, below);
  }
}

/**
 * Remembers where the application is now; formatted only when `stack` of the result is read.
 * Frames of `below` and above it are left out. Null when the runtime refuses.
 */
export function captureStack(limit: number, below: (...args: never[]) => unknown): CapturedStack | null {
  const holder: CapturedStack = {};
  // The application may have set its own limit, or taken the property away, or frozen Error.
  const before = Error.stackTraceLimit;
  try {
    if (before !== limit) Error.stackTraceLimit = limit;
    Error.captureStackTrace(holder, below);
    return holder;
  } catch {
    return null;
  } finally {
    restoreLimit(before);
  }
}

function restoreLimit(limit: number | undefined): void {
  try {
    if (limit === undefined) Reflect.deleteProperty(Error, 'stackTraceLimit');
    else if (Error.stackTraceLimit !== limit) Error.stackTraceLimit = limit;
  } catch {
    // Error is frozen: it was not changed either.
  }
}

/** The way through `globalTracer()` is no part of the application. */
const delegateFile = /[\\/]opentracing[\\/]lib[\\/]global_tracer\.js$/;

/** Frames of a stack as text, at most `limit`; empty for what is no stack text. */
export function parseStack(stack: unknown, limit: number): StackFrame[] {
  const frames: StackFrame[] = [];
  let seen = 0;
  if (typeof stack !== 'string') return frames;
  for (const line of stack.slice(0, 20_000).split('\n')) {
    if (frames.length >= limit) break;
    if (!/^\s+at /.test(line)) continue;
    const match = frameLine.exec(line.slice(0, 1000));
    if (match === null) continue;
    const [, method, file, number] = match;
    frames.push({
      m: method ?? '<anonymous>',
      ...(file === undefined || file === '' ? {} : { c: file.startsWith('file://') ? file.slice(7) : file }),
      ...(number === undefined ? {} : { n: Number(number) }),
    });
    seen++;
    if (seen <= 2 && file !== undefined && delegateFile.test(file)) frames.length = 0;
  }
  return frames;
}
