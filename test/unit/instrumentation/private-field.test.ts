import assert from 'node:assert/strict';
import { createServer, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { makeStamp } from '../../../src/instrumentation/private-field.js';

describe('a stamp', () => {
  it('is found again on the object that it was put on, and on no other', () => {
    const stamp = makeStamp<number>();
    const object = {};
    assert.equal(stamp.of(object), undefined);
    stamp.put(object, 1);
    assert.equal(stamp.of(object), 1);
    stamp.put(object, 2);
    assert.equal(stamp.of(object), 2);
    assert.equal(stamp.of({}), undefined);
    assert.equal(stamp.of(Object.create(object)), undefined);
  });

  it('is not seen by anybody else', () => {
    const stamp = makeStamp<number>();
    const object = { a: 1 };
    stamp.put(object, 1);
    assert.deepEqual(Reflect.ownKeys(object), ['a']);
    assert.equal(JSON.stringify(object), '{"a":1}');
    assert.equal(makeStamp<number>().of(object), undefined);
  });

  it('can be put on functions, frozen objects, proxies and objects of Node.js', () => {
    const stamp = makeStamp<string>();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const object of [
      () => 1,
      Object.freeze({}),
      Object.create(null) as object,
      proxy,
      createServer(),
      new IncomingMessage(new Socket()),
    ]) {
      stamp.put(object, 'x');
      assert.equal(stamp.of(object), 'x');
    }
  });
});
