// Captures the call stack of a span cheaply during the call, and parses it later.
import type { StackFrame } from '../protocol/wire-span.js';
import type { CapturedStack } from './span.js';

const frameLine = /^\s+at (?:(.*?) \()?(.*?)(?::(\d+))?(?::\d+)?\)?$/;

/** Enough to see where calls come from. One capture costs as much as several spans: V8 has to unpack optimised frames. */
const stacksPerSecond = 100;

/** Captures at most 100 stacks a second, so their cost is bounded however many calls the application makes. */
export class CallStacks {
  #secondBegan: number = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** `captureStack` for a call made at `tick` (monotonic, milliseconds); null also beyond the limit per second. */
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
 * Captures the current stack without `below` and the functions that it called. V8 formats it only when `stack` is read.
 * Null if the runtime throws.
 */
export function captureStack(limit: number, below: (...args: never[]) => unknown): CapturedStack | null {
  const holder: CapturedStack = {};
  // The application may have set its own limit, deleted the property, or frozen Error.
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
    // Error is frozen, so the limit was not changed either.
  }
}

/** The frame of `globalTracer()`, which is not part of the application. */
const delegateFile = /[\\/]opentracing[\\/]lib[\\/]global_tracer\.js$/;

/** Parses at most `limit` frames from the text of a stack; empty for anything else. */
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
