// Waiting for what a test can ask for, in place of a sleep that is too long on one machine and too short on another.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const pollEveryMs = 5;

/** Polls until the condition holds. Fails after `timeoutMs` with a message that has `what`. */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain until ${what}`);
    await sleep(pollEveryMs);
  }
}
