// Waits for conditions in tests, in place of sleeps.
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 10;
const defaultTimeoutMs = 10_000;

type Missing = null | undefined | false;

/**
 * Resolves with the first value of `read` that is not `false`, `null` or `undefined`. Rejects after the timeout, with `what` in its
 * message, and when `read` throws.
 */
export async function waitUntil<Value>(
  read: () => Value | Missing | Promise<Value | Missing>,
  what: string | (() => string),
  timeoutMs: number = defaultTimeoutMs,
): Promise<Value> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() >= deadlineMs) {
      throw new Error(`${typeof what === 'string' ? `${what} did not come` : what()} within ${timeoutMs} ms`);
    }
    await sleep(pollMs);
  }
}

/** Whether the condition holds before the time is up; resolves as soon as that is known. */
export async function becomesTrue(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= deadlineMs) return false;
    await sleep(pollMs);
  }
  return true;
}
