// The benchmark of trace headers in its smallest form; the figures themselves do not matter here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headersBenchmark } from '../../bench/benchmarks/headers.js';
import { Options } from '../../bench/options.js';

test('each case of trace headers is measured, and one of them has a budget', async () => {
  const { text, measured, voids } = await headersBenchmark.run(new Options(['--short']));
  assert.equal(
    text.match(/^(no trace headers|X-INSTANA|W3C|all), ?.*\d\.\d$|^(no trace headers|X-INSTANA) +\d.*$/gm)?.length,
    5,
  );
  assert.deepEqual(
    measured.map(({ budget, value }) => [budget, value > 0]),
    [['headers', true]],
  );
  assert.deepEqual(voids, []);
});
