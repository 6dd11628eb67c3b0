import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slope, steadyLoad } from './steady.js';

// Code that V8 makes and throws away again is many times larger than what so few requests may leave behind: here it makes none, so
// that a byte for each request is seen. The long run has it all.
const nodeArguments = ['--no-opt', '--no-sparkplug', '--no-flush-bytecode'];

it('of 20,000 requests at full speed every one has its span, and the heap does not grow', async (t) => {
  const load = { warmUpRequests: 20_000, requests: 20_000, blocks: 25, allowedGrowth: 1024, nodeArguments };
  t.diagnostic(await steadyLoad(load));
});

it('the slope of a series shows a leak, and not a step', () => {
  assert.equal(slope([1, 3, 5, 7, 9]), 2);
  assert.equal(slope([100, 100, 5, 5, 5, 5, 5, 5]), 0);
  assert.ok(Math.abs(slope([0, 12, 19, 31, 42, 48, 61]) - 10) < 1);
});
