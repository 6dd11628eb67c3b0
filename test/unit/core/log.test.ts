// The sensor's own log: levels, targets, and lines that are safe to write.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Log, type Logger, oneLine } from '../../../src/core/log.js';

interface Line {
  level: string;
  message: string;
}

function recorder(): { lines: Line[]; logger: Logger } {
  const lines: Line[] = [];
  const write = (level: string) => (message: string) => {
    lines.push({ level, message });
  };
  return { lines, logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') } };
}

function logAll(log: Log): void {
  log.debug('d');
  log.info('i');
  log.warn('w');
  log.error('e');
}

describe('the log', () => {
  for (const [level, expected] of [
    ['debug', 'diwe'],
    ['info', 'iwe'],
    ['warn', 'we'],
    ['error', 'e'],
    ['off', ''],
  ] as const) {
    it(`at level ${level} writes ${expected === '' ? 'nothing' : [...expected].join(', ')}`, () => {
      const { lines, logger } = recorder();
      logAll(new Log(level, logger));
      assert.equal(lines.map(({ message }) => message).join(''), expected);
    });
  }

  it('takes another level and another target at any time', () => {
    const first = recorder();
    const second = recorder();
    const log = new Log('off', first.logger);
    logAll(log);
    log.use('warn', second.logger);
    logAll(log);
    assert.deepEqual(first.lines, []);
    assert.deepEqual(
      second.lines.map(({ level }) => level),
      ['warn', 'error'],
    );
  });

  it('warns once for a cause, and of a thousand causes at most', () => {
    const { lines, logger } = recorder();
    const log = new Log('info', logger);
    for (let round = 0; round < 3; round++) for (let cause = 0; cause < 2000; cause++) log.warnOnce(`c${cause}`, 'm');
    assert.equal(lines.length, 1000);
  });

  it('does not notice when the target throws', () => {
    const fail = (): never => {
      throw new Error('logger');
    };
    assert.doesNotThrow(() => logAll(new Log('debug', { debug: fail, info: fail, warn: fail, error: fail })));
  });

  it('writes one line each to stderr, and nothing to stdout', () => {
    const file = join(__dirname, '../../../src/core/log.js');
    const script = `const { Log } = require(${JSON.stringify(file)}); console.error = () => process.exit(9); const log = new Log('info'); log.debug('no'); log.info('one\\ntwo'); log.error('three');`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.deepEqual(
      { stdout, stderr, status },
      {
        stdout: '',
        stderr: '[ts-sensor] info: one\\x0atwo\n[ts-sensor] error: three\n',
        status: 0,
      },
    );
  });

  it('survives a stderr that is closed', () => {
    const file = join(__dirname, '../../../src/core/log.js');
    const script = `const { Log } = require(${JSON.stringify(file)}); new Log('info').info('x'); process.stdout.write('alive');`;
    const { stdout, status } = spawnSync(
      '/bin/sh',
      ['-c', `"${process.execPath}" -e '${script.replaceAll("'", '"')}' 2>&-`],
      {
        encoding: 'utf8',
      },
    );
    assert.deepEqual({ stdout, status }, { stdout: 'alive', status: 0 });
  });
});

describe('one line', () => {
  it('has no control characters and at most 200 characters before they are shown', () => {
    assert.equal(oneLine('a\r\nb\u001b[31m'), 'a\\x0d\\x0ab\\x1b[31m');
    assert.equal(oneLine('x'.repeat(1_000_000)).length, 200);
    assert.ok(oneLine('x'.repeat(201)).endsWith('…'));
    assert.equal(oneLine('ä€'), 'ä€');
  });

  it('writes a debug line that comes back once, and remembers nothing while debug is off', () => {
    const lines: string[] = [];
    const write = (line: string): void => {
      lines.push(line);
    };
    const log = new Log('info', { debug: write, info: write, warn: write, error: write });
    log.debugOnce('cause', 'quiet');
    log.use('debug', { debug: write, info: write, warn: write, error: write });
    for (let round = 0; round < 3; round++) log.debugOnce('cause', 'logged');
    assert.deepEqual(lines, ['logged']);
  });
});
