// The benchmark of requests in its smallest form; the figures themselves do not matter here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PerRequestResult } from '../../bench/benchmarks/per-request.js';
import { requestCases } from '../../bench/cases.js';
import { measureProcessRuns } from '../../bench/process-runs.js';
import { measureBlock, measureRounds } from '../../bench/rounds.js';
import { arePeersInstalled, bare, howToInstall, peers, sensor } from '../../bench/variants.js';
import { repositoryRoot } from '../support/run-app.js';

interface Printed {
  readonly machine: { readonly node: string };
  readonly results: { readonly 'per-request': PerRequestResult };
}

const smallest = ['--short', '--json', '--blocks', '2', '--requests', '64', '--generations', '1', '--warm-up', '160'];

function run(...args: string[]): PerRequestResult {
  const file = join(repositoryRoot, 'build/bench/bench.js');
  const all = [file, 'per-request', ...smallest, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { machine, results } = JSON.parse(stdout) as Printed; // checked below
  assert.equal(machine.node, process.version);
  return results['per-request'];
}

/** Every span was counted, and every figure is a number. */
function assertComplete({ cases }: PerRequestResult, names: readonly string[]): void {
  for (const { variants } of cases) {
    assert.deepEqual(
      variants.map(({ name }) => name),
      names,
    );
    for (const variant of variants) {
      assert.equal(variant.void, null, variant.name);
      const { absolute, difference, generations } = variant.process;
      assert.ok(absolute.minimum > 0);
      assert.ok([...Object.values(difference), ...generations].every(Number.isFinite), JSON.stringify(variant));
    }
  }
}

test('every application is measured with every variant, and all spans arrive', () => {
  const result = run('--cases', 'http-call,express,koa-call');
  assert.deepEqual([result.blocks, result.requests, result.generations, result.warmUp], [2, 64, 1, 160]);
  const [http, express, koa] = result.cases;
  assert.ok(http !== undefined && express !== undefined && koa !== undefined);
  const usual = ['bare', 'bare again', 'floor', 'sensor'];
  assertComplete({ ...result, cases: [http, koa] }, usual);
  assertComplete({ ...result, cases: [express] }, [...usual, 'sensor, suppressed', 'sensor, runtime']);
});

test('a run in which the spans are not those of the requests is void', async () => {
  const talkative = { ...sensor, makesSpans: false };
  const appCase = requestCases['http'];
  assert.ok(appCase !== undefined);
  const [without, own] = await measureProcessRuns([bare, talkative], appCase, 1, (apps) =>
    measureRounds(apps, 2, (app) => measureBlock(app, 10)),
  );
  assert.equal(without?.void, null);
  assert.match(own?.void ?? '', /^0 entry and 0 exit spans wanted, but \d+ and 0 arrived/);
});

const skip = arePeersInstalled() ? false : howToInstall;

test('the receiver of every other tracer counts its spans', { skip }, () => {
  const result = run('--peers', '--cases', 'express-call');
  const usual = ['bare', 'bare again', 'floor', 'sensor', 'sensor, suppressed', 'sensor, runtime'];
  assertComplete(result, [...usual, ...peers.map(({ name }) => name)]);
});
