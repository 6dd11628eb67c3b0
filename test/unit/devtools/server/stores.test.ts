// How many spans and bytes the store of traces holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceStore } from '../../../../src/devtools/server/stores.js';
import { ProcessStore } from '../../../../src/devtools/store/processes.js';
import { idOf, wireSpan } from '../support.js';

const mebibyte = 1024 * 1024;

function storedOf(maxSpans: number | undefined, spans: number, bytesEach: number): number {
  const store = createTraceStore(new ProcessStore(), maxSpans);
  for (let span = 1; span <= spans; span++) {
    store.add([wireSpan({ t: idOf(span), s: idOf(span) })], 1, bytesEach);
  }
  return store.counts.stored;
}

test('holds 20,000 spans by default, and another number on request', () => {
  assert.equal(storedOf(undefined, 20_100, 100), 20_000);
  assert.equal(storedOf(50, 60, 100), 50);
});

test('holds 64 MiB, or more if so many spans may need it', () => {
  assert.equal(storedOf(1000, 100, mebibyte), 64);
  assert.equal(storedOf(65_536, 200, mebibyte), 128);
});
