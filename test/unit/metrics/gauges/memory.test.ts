// Memory of the process and V8's heap spaces, as the agent gets them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { readHeapSpaces, readMemory } from '../../../../src/metrics/gauges/memory.js';

test('reads the five figures of the process that the agent knows, and no other', (t) => {
  t.mock.method(process, 'memoryUsage', () => ({
    rss: 1,
    heapTotal: 2,
    heapUsed: 3,
    external: 4,
    arrayBuffers: 5,
    ofNodeToCome: 6,
  }));
  assert.deepEqual(readMemory(), { rss: 1, heapTotal: 2, heapUsed: 3, external: 4, arrayBuffers: 5 });
});

test('sees memory that the process takes', () => {
  const before = readMemory();
  const taken = Buffer.alloc(16 * 1024 * 1024, 1);
  assert.ok(readMemory().arrayBuffers - before.arrayBuffers >= taken.length);
});

test('reads every heap space of this V8 under its name', () => {
  const spaces = readHeapSpaces();
  assert.deepEqual(
    Object.keys(spaces),
    getHeapSpaceStatistics().map(({ space_name: name }) => name),
  );
  for (const [name, space] of Object.entries(spaces)) {
    assert.deepEqual(Object.keys(space), ['current', 'available', 'used', 'physical'], name);
    assert.ok(
      Object.values(space).every((bytes) => Number.isInteger(bytes) && bytes >= 0),
      name,
    );
  }
  const { old_space: old } = spaces;
  assert.ok(old !== undefined && old.used > 0 && old.used <= old.current);
});
