// What the agent gets of garbage collections: how many of each type, and how long they took, since the last read.
import assert from 'node:assert/strict';
import test from 'node:test';
import { AgentGcCounter } from '../../../../src/metrics/gauges/agent-gc.js';
import { ManualGcObserver } from '../sources.js';

const nothing = {
  minorGcs: 0,
  majorGcs: 0,
  incrementalMarkings: 0,
  weakCallbackProcessing: 0,
  gcPause: 0,
  statsSupported: true,
};

test('counts by type, adds up the pauses, and starts from zero with each read', () => {
  const observer = new ManualGcObserver();
  const counter = new AgentGcCounter(observer);
  counter.start();
  assert.deepEqual(counter.read(), nothing);
  observer.report(
    [
      { type: 'minor', durationMs: 1 },
      { type: 'minor', durationMs: 2 },
      { type: 'major', durationMs: 10 },
    ],
    5000,
  );
  observer.report(
    [
      { type: 'incremental', durationMs: 0.5 },
      { type: 'weakcb', durationMs: 0.25 },
    ],
    4000,
  );
  assert.deepEqual(counter.read(), {
    minorGcs: 2,
    majorGcs: 1,
    incrementalMarkings: 1,
    weakCallbackProcessing: 1,
    gcPause: 13.75,
    usedHeapSizeAfterGc: 4000,
    statsSupported: true,
  });
  assert.deepEqual(counter.read(), { ...nothing, usedHeapSizeAfterGc: 4000 });
});

test('counts the pause of a type that it does not know', () => {
  const observer = new ManualGcObserver();
  const counter = new AgentGcCounter(observer);
  counter.start();
  observer.report([{ type: null, durationMs: 3 }], 1);
  assert.deepEqual(counter.read(), { ...nothing, gcPause: 3, usedHeapSizeAfterGc: 1 });
});

test('observes between start and stop only, and forgets its counts at the stop', () => {
  const observer = new ManualGcObserver();
  const counter = new AgentGcCounter(observer);
  assert.equal(observer.listeners.size, 0);
  counter.start();
  counter.start();
  assert.equal(observer.listeners.size, 1);
  observer.report([{ type: 'major', durationMs: 10 }], 4000);
  counter.stop();
  counter.stop();
  assert.equal(observer.listeners.size, 0);
  counter.start();
  const { majorGcs, gcPause } = counter.read();
  assert.deepEqual({ majorGcs, gcPause }, { majorGcs: 0, gcPause: 0 });
});
