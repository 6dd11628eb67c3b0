// The forms in which ignored endpoints are written, brought into one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ignoreEndpoints } from '../../../src/config/ignore-endpoints.js';

function normalised(value: unknown): { rules: unknown; warnings: string[] } {
  const warnings: string[] = [];
  return { rules: ignoreEndpoints(value, (message) => warnings.push(message)), warnings };
}

describe('ignored endpoints', () => {
  it('are methods in text', () => {
    assert.deepEqual(normalised('http:GET , head;redis:*'), {
      rules: { http: [{ methods: ['get', 'head'] }], redis: [{ methods: ['*'] }] },
      warnings: [],
    });
  });

  it('keep the parts of a text that can be used, and warn of the others', () => {
    const { rules, warnings } = normalised('http:get;redis;:x;kafka:;http:head');
    assert.deepEqual(rules, { http: [{ methods: ['get'] }, { methods: ['head'] }] });
    assert.equal(warnings.length, 3);
  });

  it('are undefined for other values', () => {
    for (const value of ['', 'redis', ';;', 7, null, [], true, undefined])
      assert.equal(normalised(value).rules, undefined, JSON.stringify(value));
  });

  it('keep the good rules of an object', () => {
    const { rules, warnings } = normalised({
      HTTP: [
        'GET',
        { methods: 'get', endpoints: ['/A'] },
        { method: ['get'] },
        { endpoints: 7 },
        null,
        { endpoints: ['/b', 7] },
      ],
      http: [{ connections: ['H:80'] }],
      get kafka(): never {
        throw new Error('getter');
      },
      redis: [
        {
          get methods(): never {
            throw new Error('getter');
          },
        },
      ],
    });
    assert.deepEqual(rules, {
      http: [{ methods: ['get'] }, { methods: ['get'], endpoints: ['/a'] }, { connections: ['h:80'] }],
      kafka: [],
      redis: [],
    });
    assert.equal(warnings.length, 6);
  });

  it('are data, whatever their names', () => {
    const { rules } = normalised(JSON.parse('{"__proto__":["get"],"constructor":["get"]}'));
    assert.deepEqual(Object.keys(rules as object), ['__proto__', 'constructor']);
    assert.equal(Reflect.get({}, 'methods'), undefined);
  });
});
