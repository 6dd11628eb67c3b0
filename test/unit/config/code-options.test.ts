// What an application hands to `configure()`, good and bad.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CodeOptions, mergeCodeOptions } from '../../../src/config/code-options.js';
import { toNested } from '../../../src/config/nested.js';
import { options } from '../../../src/config/options.js';
import { readConfig } from '../../../src/config/read-config.js';

const names = [...options.map(({ name }) => name), 'logger'];

function take(given: unknown, before: CodeOptions = {}): { taken: CodeOptions; warnings: string[] } {
  const warnings: string[] = [];
  return { taken: mergeCodeOptions(before, given, names, (message) => warnings.push(message)), warnings };
}

const throwing: ProxyHandler<object> = Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'].map((trap) => [
    trap,
    () => {
      throw new Error('trap');
    },
  ]),
);

describe('options from code', () => {
  it('are kept from earlier calls unless a later one has them', () => {
    const first = take({ serviceName: 'a', tracing: { maxRequestMs: 5, stackTrace: 'all' } }).taken;
    const { taken } = take({ agentPort: 1, tracing: { maxRequestMs: 6 }, serviceName: undefined }, first);
    assert.deepEqual(taken, {
      serviceName: 'a',
      agentPort: 1,
      'tracing.maxRequestMs': 6,
      'tracing.stackTrace': 'all',
    });
    const { tracing } = readConfig({}, toNested(taken), undefined, () => {});
    assert.equal(tracing.maxRequestMs, 6);
  });

  it('are taken beside those that cannot be read, each of which is told once', () => {
    const { taken, warnings } = take({
      get serviceName(): never {
        throw new Error('getter');
      },
      agentPort: 4711,
      tracing: {
        get maxRequestMs(): never {
          throw new Error('getter');
        },
        stackTrace: 'none',
        httpExit: new Proxy({}, throwing),
      },
      get metrics(): never {
        throw new Error('getter');
      },
    });
    assert.deepEqual(taken, { agentPort: 4711, 'tracing.stackTrace': 'none' });
    assert.deepEqual(warnings, [
      'option serviceName cannot be read; it is ignored',
      'option tracing.maxRequestMs cannot be read; it is ignored',
      'option tracing.httpExit cannot be read; it is ignored',
      'option metrics cannot be read; it is ignored',
    ]);
  });

  it('are looked at once, so that they cannot become something else', () => {
    let reads = 0;
    const given = {
      get serviceName(): string {
        reads++;
        return `name ${reads}`;
      },
    };
    const { taken } = take(given);
    for (let round = 0; round < 3; round++)
      assert.equal(readConfig({}, toNested(taken), undefined, () => {}).serviceName, 'name 1');
    assert.equal(reads, 1);
  });

  it('that nobody knows are told by name', () => {
    const { taken, warnings } = take({ servicename: 'x', tracing: { ignoreEndpoint: {}, enabled: true } });
    assert.deepEqual(taken, { 'tracing.enabled': true });
    assert.deepEqual(warnings, [
      'there is no option servicename; it is ignored',
      'there is no option tracing.ignoreEndpoint; it is ignored',
    ]);
  });

  it('that are no object are told, and change nothing', () => {
    const before = take({ serviceName: 'a' }).taken;
    for (const given of [null, 7, 'text', true, Symbol('s'), 7n, () => 1, new Proxy({}, throwing)]) {
      const { taken, warnings } = take(given, before);
      assert.deepEqual(taken, before);
      assert.equal(warnings.length, 1);
    }
    assert.deepEqual(take(undefined, before), { taken: before, warnings: [] });
    assert.deepEqual(take({ tracing: 7, metrics: 'x' }).warnings.length, 2);
  });

  it('may be frozen, circular, without a prototype, or huge', () => {
    const circular: Record<string, unknown> = { serviceName: 'a', tracing: {} };
    circular['tracing'] = circular;
    circular['self'] = circular;
    assert.equal(take(circular).taken['serviceName'], 'a');
    assert.equal(
      take(Object.freeze(Object.assign(Object.create(null), { serviceName: 'b' }))).taken['serviceName'],
      'b',
    );
    const huge = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`x${index}`, index]));
    assert.equal(take({ serviceName: 'c', ...huge }).taken['serviceName'], 'c');
    assert.ok(take(huge).warnings.length <= 200);
  });

  it('do not reach prototypes', () => {
    take(
      JSON.parse('{"__proto__":{"polluted":1},"tracing":{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}}'),
    );
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    assert.deepEqual(take(Object.create({ serviceName: 'inherited' })).taken, {});
  });
});
