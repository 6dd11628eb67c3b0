// The end of the process, as the sensor sees it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

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
