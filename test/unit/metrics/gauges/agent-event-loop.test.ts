// What the agent gets of the event loop: how late it was, and how often it came round.
import assert from 'node:assert/strict';
import test from 'node:test';
import { AgentEventLoopCounter } from '../../../../src/metrics/gauges/agent-event-loop.js';
import { ManualTicker } from '../sources.js';

/** One turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('reads the greatest lag since the last read, in hundredths of a millisecond', () => {
  const ticker = new ManualTicker();
  const counter = new AgentEventLoopCounter(ticker);
  counter.start();
  assert.equal(counter.read().lag, 0);
  for (const lateMs of [7.12345, 250.5, 7]) ticker.tick(lateMs);
  assert.equal(counter.read().lag, 250.5);
  ticker.tick(7.12345);
  assert.equal(counter.read().lag, 7.12);
  ticker.tick(0);
  assert.equal(counter.read().lag, 0);
});

test('repeats the last lag while no tick was due', () => {
  const ticker = new ManualTicker();
  const counter = new AgentEventLoopCounter(ticker);
  counter.start();
  ticker.tick(12);
  assert.deepEqual([counter.read().lag, counter.read().lag, counter.read().lag], [12, 12, 12]);
});

test('listens between start and stop only, and forgets the lag at the stop', () => {
  const ticker = new ManualTicker();
  const counter = new AgentEventLoopCounter(ticker);
  assert.equal(ticker.listeners.size, 0);
  counter.start();
  counter.start();
  assert.equal(ticker.listeners.size, 1);
  ticker.tick(99);
  assert.equal(counter.read().lag, 99);
  ticker.tick(98);
  counter.stop();
  counter.stop();
  assert.equal(ticker.listeners.size, 0);
  counter.start();
  assert.equal(counter.read().lag, 0);
});

test('counts the iterations since the last read, where Node.js counts them', async () => {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } };
  const counter = new AgentEventLoopCounter(new ManualTicker());
  counter.start();
  for (let count = 0; count < 5; count++) await turn();
  const { num } = counter.read();
  if (uvMetricsInfo === undefined) assert.equal(num, undefined);
  else assert.ok(num !== undefined && num >= 4 && num <= 6, `${num} iterations in five turns`);
  const again = counter.read().num;
  assert.equal(again, uvMetricsInfo === undefined ? undefined : 0);
});

test('has no number of iterations before it is started', () => {
  assert.deepEqual(new AgentEventLoopCounter(new ManualTicker()).read(), { lag: 0, statsSupported: false });
});
