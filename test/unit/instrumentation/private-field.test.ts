import assert from 'node:assert/strict';
import { createServer, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { makePrivateField } from '../../../src/instrumentation/private-field.js';

describe('a stamp', () => {
  it('is found again on the object that it was put on, and on no other', () => {
    const stamp = makePrivateField<number>();
    const object = {};
    assert.equal(stamp.get(object), undefined);
    stamp.set(object, 1);
    assert.equal(stamp.get(object), 1);
    stamp.set(object, 2);
    assert.equal(stamp.get(object), 2);
    assert.equal(stamp.get({}), undefined);
    assert.equal(stamp.get(Object.create(object)), undefined);
  });

  it('is not seen by anybody else', () => {
    const stamp = makePrivateField<number>();
    const object = { a: 1 };
    stamp.set(object, 1);
    assert.deepEqual(Reflect.ownKeys(object), ['a']);
    assert.equal(JSON.stringify(object), '{"a":1}');
    assert.equal(makePrivateField<number>().get(object), undefined);
  });

  it('can be put on functions, frozen objects, proxies and objects of Node.js', () => {
    const stamp = makePrivateField<string>();
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
      stamp.set(object, 'x');
      assert.equal(stamp.get(object), 'x');
    }
  });
});
