// Where the value of an option comes from, and what is logged about values that are not taken.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { integer, text } from '../../../src/config/parsers.js';
import { isSet, type Option, readDisabled, readEnabled, resolve, type Source } from '../../../src/config/resolve.js';

const port: Option = {
  name: 'agent.port',
  env: ['FIRST_PORT', 'SECOND_PORT'],
  default: 42,
  expected: 'a port',
  meaning: 'the port',
  agent: 'given.port',
  parse: integer(1, 99),
};

interface Found {
  readonly value: unknown;
  readonly source: Source;
  readonly warnings: readonly string[];
}

function find(option: Option, env: NodeJS.ProcessEnv, code?: unknown, agentResponse?: unknown): Found {
  const warnings: string[] = [];
  return { ...resolve(option, env, code, agentResponse, (message) => warnings.push(message)), warnings };
}

describe('an option', () => {
  it('comes from the environment, then code, then the agent, then its default', () => {
    const env = { FIRST_PORT: '1', SECOND_PORT: '2' };
    const code = { agent: { port: 3 } };
    const agentResponse = { given: { port: 4 } };
    assert.deepEqual(find(port, env, code, agentResponse), { value: 1, source: 'env', warnings: [] });
    assert.deepEqual(find(port, { SECOND_PORT: '2' }, code, agentResponse), { value: 2, source: 'env', warnings: [] });
    assert.deepEqual(find(port, {}, code, agentResponse), { value: 3, source: 'code', warnings: [] });
    assert.deepEqual(find(port, {}, {}, agentResponse), { value: 4, source: 'agent', warnings: [] });
    assert.deepEqual(find(port, {}), { value: 42, source: 'default', warnings: [] });
  });

  it('comes from the next source when a value is invalid, with a warning for each', () => {
    const { value, source, warnings } = find(
      port,
      { FIRST_PORT: '0', SECOND_PORT: 'x' },
      { agent: { port: [] } },
      { given: { port: {} } },
    );
    assert.deepEqual([value, source], [42, 'default']);
    assert.deepEqual(warnings, [
      'FIRST_PORT is "0", expected a port; it is ignored',
      'SECOND_PORT is "x", expected a port; it is ignored',
      'option agent.port is a list, expected a port; it is ignored',
      "the agent's given.port is an object, expected a port; it is ignored",
    ]);
  });

  it('takes an empty variable as none', () => {
    assert.deepEqual(find(port, { FIRST_PORT: '', SECOND_PORT: '7' }), { value: 7, source: 'env', warnings: [] });
    assert.deepEqual([isSet(undefined), isSet(''), isSet('0')], [false, false, true]);
  });

  it('takes null of the agent as no value, and does not ask an agent that has no place for it', () => {
    assert.equal(find(port, {}, {}, { given: { port: null } }).source, 'default');
    const { agent: _, ...withoutAgent } = port;
    assert.equal(find(withoutAgent, {}, {}, { given: { port: 4 } }).source, 'default');
  });

  it('may read its variables in another way than code', () => {
    const option: Option = { ...port, parseEnv: (value) => (value === 'skip' ? undefined : value.length) };
    assert.deepEqual(find(option, { FIRST_PORT: 'skip', SECOND_PORT: 'four' }).value, 4);
  });

  it('keeps the part of a value that is valid, with one warning for the rest', () => {
    const option: Option = {
      ...port,
      parse: (_value, warn) => {
        warn('one thing');
        warn('another');
        return 5;
      },
    };
    assert.deepEqual(find(option, {}, { agent: { port: 'x' } }), {
      value: 5,
      source: 'code',
      warnings: ['option agent.port: one thing; another'],
    });
  });

  it('ignores a value that throws when it is read or parsed', () => {
    const throwing = {
      get agent(): never {
        throw new Error('getter');
      },
    };
    assert.equal(find(port, {}, throwing).source, 'default');
    const option: Option = {
      ...port,
      parse: () => {
        throw new Error('parser');
      },
    };
    assert.equal(find(option, {}, { agent: { port: 1 } }).source, 'default');
  });
});

describe('a warning', () => {
  const warningFor = (value: unknown, name = 'a'): string =>
    find({ ...port, name, parse: () => undefined }, {}, { [name]: value }).warnings[0] ?? '';

  it('shows values that are harmless, and of others only what they are', () => {
    for (const [value, shown] of [
      ['42 699', '"42 699"'],
      [7, '7'],
      [true, 'true'],
      [null, 'null'],
      [[1], 'a list'],
      [{ a: 1 }, 'an object'],
      [() => 1, 'a function'],
      ['user:pw@host', 'a text that is not shown here'],
      ['x'.repeat(101), 'a text that is not shown here'],
      ['my token', 'a text that is not shown here'],
      ['a\nb', 'a text that is not shown here'],
    ] as const)
      assert.equal(warningFor(value), `option a is ${shown}, expected a port; it is ignored`);
  });

  it('shows no text of an option that holds a key', () => {
    assert.equal(warningFor('harmless', 'eumApiKey'), 'option eumApiKey is a string, expected a port; it is ignored');
  });
});

describe('the older list of extra headers', () => {
  const option: Option = {
    ...port,
    name: 'tracing.extraHttpHeaders',
    agent: 'tracing.extra-http-headers',
    parse: text,
  };

  it('of an agent counts only when the agent has no tracing section', () => {
    assert.equal(find(option, {}, {}, { extraHeaders: 'old' }).value, 'old');
    assert.equal(find(option, {}, {}, { extraHeaders: 'old', tracing: {} }).source, 'default');
    const both = { extraHeaders: 'old', tracing: { 'extra-http-headers': 'new' } };
    assert.equal(find(option, {}, {}, both).value, 'new');
  });
});

describe('whether there is tracing', () => {
  const from = (value: unknown, source: Source) => ({ value, source });

  it('is decided by the stronger source of two, and by both of one source', () => {
    assert.equal(readEnabled(from(true, 'code'), from(true, 'env')), false);
    assert.equal(readEnabled(from(false, 'code'), from(false, 'env')), true);
    assert.equal(readEnabled(from(true, 'env'), from(true, 'code')), true);
    assert.equal(readEnabled(from(false, 'env'), from(false, 'code')), false);
    assert.equal(readEnabled(from(true, 'code'), from(false, 'code')), true);
    assert.equal(readEnabled(from(true, 'code'), from(true, 'code')), false);
    assert.equal(readEnabled(from(false, 'code'), from(false, 'code')), false);
  });

  it('is not touched by a list of what is disabled', () => {
    assert.equal(readEnabled(from(true, 'default'), from(['koa'], 'env')), true);
    assert.equal(readEnabled(from(false, 'default'), from(['koa'], 'env')), false);
  });
});

describe('the names of what is disabled', () => {
  const list = { value: ['koa', '!logging'], source: 'code' } as const;

  it('are those of the list, from whatever source', () => {
    assert.deepEqual(readDisabled(list, {}), ['koa', '!logging']);
    assert.deepEqual(readDisabled({ value: true, source: 'code' }, {}), []);
  });

  it('are those of the two other variables where one of them is set, and then of no other source', () => {
    const env = { INSTANA_TRACING_DISABLE_GROUPS: 'Databases' };
    assert.deepEqual(readDisabled(list, env), ['databases']);
    assert.deepEqual(readDisabled(list, { INSTANA_TRACING_DISABLE_INSTRUMENTATIONS: 'a;b', ...env }), [
      'a',
      'b',
      'databases',
    ]);
  });

  it('keep the half of the list of the environment whose variable is not set', () => {
    const inEnv = { ...list, source: 'env' } as const;
    assert.deepEqual(readDisabled(inEnv, { INSTANA_TRACING_DISABLE_GROUPS: 'databases' }), ['koa', 'databases']);
    assert.deepEqual(readDisabled(inEnv, { INSTANA_TRACING_DISABLE_INSTRUMENTATIONS: 'x' }), ['x', '!logging']);
  });
});
