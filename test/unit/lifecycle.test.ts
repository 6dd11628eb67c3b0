// The ends of spans that the application forgets, and of the process.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/config/read-config.js';
import { HttpEntrySpans } from '../../src/instrumentation/http/entry-spans.js';
import { HttpExitSpans } from '../../src/instrumentation/http/exit-spans.js';
import { Lifecycle } from '../../src/lifecycle.js';
import { CallStacks } from '../../src/spans/call-stack.js';
import { HttpAttributes, SpanRecord } from '../../src/spans/span.js';
import { Fixture } from './spans/fixtures.js';

const fixture = new Fixture();
const config = readConfig({}, {}, undefined, assert.fail);
const http = {
  recorder: fixture.recorder,
  activeSpan: fixture.scope,
  ids: fixture.ids,
  stacks: new CallStacks(),
  now: () => fixture.tick,
  wallClock: () => fixture.wall,
  config: () => config,
  patchLoadedBuiltins: () => {},
};
const lifecycle = new Lifecycle({
  errors: fixture.faults,
  recorder: fixture.recorder,
  entrySpans: new HttpEntrySpans(http),
  exitSpans: new HttpExitSpans(http),
  now: () => fixture.tick,
  maxRequestMs: () => 60_000,
  finalRequests: () => assert.fail('the process does not end'),
});
fixture.tick = 1_000_000;

/** A span that is open and began as long ago. */
function open(type: string, kind: 1 | 2, ageMs: number): SpanRecord {
  const attributes = new HttpAttributes('GET', '/', 'localhost');
  const { wall, tick } = fixture;
  const span = new SpanRecord(type, kind, '1', '2', null, null, wall - ageMs, tick - ageMs, attributes);
  fixture.recorder.open(span);
  return span;
}

describe('spans that the application forgets', () => {
  it('are ended as unfinished when a request had no response for as long as is configured', () => {
    const young = open('node.http.server', 1, 59_000);
    const old = open('node.http.server', 1, 61_000);
    lifecycle.expireForgotten();
    assert.equal(young.isFinished, false);
    assert.equal(old.isFinished, true);
    assert.match(old.http?.error ?? '', /^Unfinished: .* 60 s$/);
    fixture.recorder.finish(young);
  });

  it('are ended without an error when nobody reads the response to a call to its end', () => {
    const [waiting, unread] = [open('node.http.client', 2, 12_000), open('node.http.client', 2, 12_000)];
    for (const [span, sinceHeadMs] of [
      [waiting, 9_000],
      [unread, 11_000],
    ] as const) {
      if (span.http === null) assert.fail();
      span.http.status = 200;
      span.http.headTick = fixture.tick - sinceHeadMs;
    }
    lifecycle.expireForgotten();
    assert.equal(waiting.isFinished, false);
    assert.equal(unread.isFinished, true);
    assert.equal(unread.http?.error, null);
    fixture.recorder.finish(waiting);
  });
});

describe('the end of the process', () => {
  const module = JSON.stringify(join(__dirname, '../../src/lifecycle.js'));
  const program = `
    const { isMainThread, Worker } = require('node:worker_threads');
    const { Lifecycle } = require(${module});
    const calls = [];
    const lifecycle = new Lifecycle({
      errors: { quietly: (place, callback) => callback },
      entrySpans: { failUncaught: (error) => calls.push(error.message), endFailed: () => calls.push('endFailed') },
      finalRequests: () => { calls.push('finalRequests'); return []; },
    });
    const before = process.listenerCount('exit');
    lifecycle.watchEnd();
    lifecycle.watchEnd();
    if (isMainThread) process.on('exit', () => console.log(JSON.stringify(calls)));
    else console.log(process.listenerCount('exit') - before);`;
  const run = (rest: string): { stdout: string; status: number | null } =>
    spawnSync(process.execPath, ['-e', program + rest], { encoding: 'utf8' });

  it('finds what failed and what waits, once, and stays as it is', () => {
    const { stdout, status } = run('process.exitCode = 3;');
    assert.deepEqual([stdout, status], ['["endFailed","finalRequests"]\n', 3]);
  });

  it('knows an error that is not caught, which ends the process all the same', () => {
    const { stdout, status } = run(`throw new Error('unexpected');`);
    assert.deepEqual([stdout, status], ['["unexpected","endFailed","finalRequests"]\n', 1]);
  });

  it('of a worker thread is not watched', () => {
    const worker = `new (require('node:worker_threads').Worker)(${JSON.stringify(program)}, { eval: true });`;
    const { stdout, status } = spawnSync(process.execPath, ['-e', worker], { encoding: 'utf8' });
    assert.deepEqual([stdout, status], ['0\n', 0]);
  });
});
