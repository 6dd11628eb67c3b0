// What applications hand to `configure()`, good and bad, in a process of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { appsFolder } from '../../support/run-app.js';

describe('configure()', () => {
  it('C21 throws nothing, takes what is valid and logs what is not, once', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(appsFolder, 'hostile-options.cjs')], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: '1' },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      service: 'good',
      host: '127.0.0.1',
      finished: 1,
      faults: {},
      polluted: null,
    });
    const lines = stderr.trimEnd().split('\n');
    assert.deepEqual(lines, [...new Set(lines)]);
    assert.ok(
      lines.every((line) => line.startsWith('[ts-sensor] warn: ')),
      stderr,
    );
    for (const told of [
      'option agentHost cannot be read',
      'option metrics.intervalMs is NaN',
      'option logger',
      'option secrets',
      'no object',
    ])
      assert.ok(stderr.includes(told), `${told}: ${stderr}`);
  });
});
