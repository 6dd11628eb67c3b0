// The statistics, tables and budgets of the benchmarks, and their command line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excesses, judge } from '../../bench/budgets.js';
import { Options } from '../../bench/options.js';
import { rotate } from '../../bench/rounds.js';
import { meanOf, quartiles, table } from '../../bench/statistics.js';
import { compare } from '../../bench/summary.js';

test('quartiles are order statistics', () => {
  assert.deepEqual(quartiles([5, 1, 4, 2, 3]), { minimum: 1, quarter: 2, median: 3, threeQuarters: 4 });
  assert.deepEqual(quartiles([1, 2]), { minimum: 1, quarter: 1.25, median: 1.5, threeQuarters: 1.75 });
});

test('a mean has a standard error only where there are several values', () => {
  assert.deepEqual(meanOf([3]), { mean: 3, standardError: null });
  assert.deepEqual(meanOf([1, 2, 3]), { mean: 2, standardError: Math.sqrt(1 / 3) });
});

test('a variant is compared with bare in the same round, and process runs are the sample', () => {
  const bare = [
    [100, 110, 120],
    [200, 210, 220],
  ];
  const own = [
    [101, 112, 123],
    [204, 214, 224],
  ];
  const { absolute, difference, generations, ofGenerations } = compare(own, bare);
  assert.equal(absolute.minimum, 101);
  assert.deepEqual([difference.minimum, difference.median], [1, 3.5]);
  assert.deepEqual(generations, [2, 4]);
  assert.deepEqual(ofGenerations, { mean: 3, standardError: 1 });
});

test('in as many rounds as there are variants each has had every place', () => {
  const rounds = [0, 1, 2].map((round) => rotate(['a', 'b', 'c'], round).join(''));
  assert.deepEqual(rounds, ['abc', 'bca', 'cab']);
  assert.equal(rotate(['a', 'b', 'c'], 3).join(''), 'cba');
});

test('a budget is wider on a slower machine', () => {
  const [judgement] = judge([{ budget: 'express', value: 40, bare: 282 }]);
  assert.deepEqual([judgement?.value, judgement?.limit], [40, 50]);
  assert.deepEqual(judge([{ budget: 'nothing', value: 1, bare: null }]), []);
});

test('only a figure above three times its budget is too much', () => {
  const measured = [
    { budget: 'express', value: 75, bare: 141 },
    { budget: 'express-call', value: 166, bare: 233 },
  ];
  assert.deepEqual(excesses(measured), [
    'Express 5, one call out: 166.0 µs CPU a request is more than 3 times the budget of 55.0',
  ]);
});

test('the command line is parsed, and unknown options are refused', () => {
  const options = new Options(['start-up', '--short', '--runs', '7', '--cases', 'http,koa']);
  assert.deepEqual(options.names, ['start-up']);
  assert.deepEqual([options.is('short'), options.is('peers')], [true, false]);
  assert.deepEqual([options.count('runs', 25, 15), options.count('blocks', 30, 12)], [7, 12]);
  assert.deepEqual(options.list('cases'), ['http', 'koa']);
  assert.throws(() => new Options(['--fast']), /no such option: --fast/);
  assert.throws(() => new Options(['--runs', 'many']), /--runs wants a whole number/);
});

test('tables are aligned, and show a dash for a missing number', () => {
  assert.equal(
    table(
      ['unit', 'median'],
      [
        ['bare', 1.25],
        ['sensor', null],
      ],
    ),
    'unit      median\nbare         1.3\nsensor         –',
  );
});
