// What is not traced: ignored endpoints, and instrumentations that are switched off.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ignoreEndpoints } from '../../../src/config/ignore-endpoints.js';
import { readConfig } from '../../../src/config/read-config.js';
import {
  type IgnoreMatcher,
  type IgnorePolicy,
  ignoreMatcher,
  makeIgnorePolicy,
} from '../../../src/spans/ignore-policy.js';

interface Row {
  readonly span: { readonly n: string; readonly data: Record<string, Record<string, string>> };
  readonly config: Record<string, unknown>;
  readonly ignored: boolean;
}

const rows = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/ignore.json'), 'utf8')) as Row[];

describe('ignored endpoints as the official sensor ignores them', () => {
  for (const { span, config, ignored } of rows) {
    const facts = Object.values(span.data)[0] ?? {};
    it(`${span.n} ${JSON.stringify(facts)} is ${ignored ? '' : 'not '}ignored by ${JSON.stringify(config)}`, () => {
      const matcher = ignoreMatcher(span.n, ignoreEndpoints(config) ?? assert.fail());
      const { operation = '', endpoints = '', connection = '' } = facts;
      assert.equal(matcher?.(operation, endpoints, connection) ?? false, ignored);
    });
  }

  it('are all there', () => assert.equal(rows.length, 14));
});

function http(rules: unknown): IgnoreMatcher | null {
  return ignoreMatcher('node.http.server', ignoreEndpoints({ http: rules }) ?? assert.fail());
}

describe('a rule', () => {
  it('that can match nothing costs a request nothing', () => {
    for (const rules of [[], [{}], 'get', [{ endpoints: 7 }], [{ method: ['get'] }]]) assert.equal(http(rules), null);
    assert.equal(ignoreMatcher('node.http.server', ignoreEndpoints({ redis: ['get'] }) ?? {}), null);
    assert.equal(ignoreMatcher('constructor', ignoreEndpoints({ constructor: ['get'] }) ?? {}), null);
  });

  it('with an empty list matches nothing', () => {
    assert.equal(http([{ methods: [], endpoints: ['/a'] }])?.('GET', '/a', ''), false);
  });

  it('has all of its criteria matched, and any rule suffices', () => {
    const rule = http([{ methods: ['get'], endpoints: ['/a'], connections: ['internal'] }, { endpoints: ['/b'] }]);
    assert.equal(rule?.('GET', '/A', 'x.INTERNAL:80'), true);
    assert.equal(rule?.('POST', '/a', 'x.internal:80'), false);
    assert.equal(rule?.('GET', '/a', 'x.public:80'), false);
    assert.equal(rule?.('GET', '/a', ''), false);
    assert.equal(rule?.('POST', '/b', ''), true);
  });

  it('names a path as people read it, or as it is sent', () => {
    for (const endpoint of ['/a ä', '/a%20%C3%A4'])
      assert.equal(http([{ endpoints: [endpoint] }])?.('GET', '/a%20%c3%a4', ''), true);
  });

  it('does not take a path with commas apart', () => {
    const rule = http([{ endpoints: ['/a', '/b'] }]);
    assert.equal(rule?.('GET', '/a,/b', ''), false);
    assert.equal(http([{ endpoints: ['/a,b'] }])?.('GET', '/a,b', ''), true);
  });
});

function policy(disable: unknown): IgnorePolicy {
  return makeIgnorePolicy(readConfig({}, { tracing: { disable } }, undefined, () => {}).tracing);
}

describe('what is switched off', () => {
  const cases: readonly (readonly [unknown, string, string | undefined, boolean])[] = [
    [[], 'http', undefined, false],
    [['HTTP'], 'http', undefined, true],
    [['http'], 'https', undefined, false],
    [['logging'], 'console', 'logging', true],
    [['logging', '!console'], 'console', 'logging', false],
    [['logging', '!console'], 'pino', 'logging', true],
    [['logging'], 'redis', 'databases', false],
    [['console', '!console'], 'console', 'logging', true],
    [['!logging'], 'console', 'logging', false],
    [{ groups: ['logging'], instrumentations: ['koa'] }, 'koa', undefined, true],
    [{ logging: true, console: false }, 'console', 'logging', false],
  ];
  for (const [disable, name, group, expected] of cases) {
    it(`${JSON.stringify(disable)} switches ${name} ${expected ? 'off' : 'not off'}`, () =>
      assert.equal(policy(disable).isDisabled(name, group), expected));
  }
});
