// Who reads a response of undici, whatever its internal objects look like.
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { UndiciTransfer } from '../../../../src/instrumentation/http/undici-transfer.js';

const handler = Symbol('handler');
const endless = (): Readable => new Readable({ read: () => {} });
const isRead = (request: object): boolean => new UndiciTransfer(request).hasReader;

describe('a response of undici', () => {
  it('is unread if nobody reads the body, of fetch or of request', () => {
    assert.equal(isRead({ [handler]: { body: endless() } }), false);
    assert.equal(isRead({ [handler]: { res: endless(), body: 'that of the request' } }), false);
  });

  it('is read if somebody does', () => {
    assert.equal(isRead({ [handler]: { body: endless().resume() } }), true);
    assert.equal(isRead({ [handler]: { res: endless().resume() } }), true);
  });

  it('is read if it is written to a stream of the application', () => {
    assert.equal(isRead({ [handler]: { res: new PassThrough() } }), true);
  });

  it('is unread if only decoders read it', () => {
    const decoder = new PassThrough();
    const body = endless();
    body.pipe(new PassThrough()).pipe(decoder);
    assert.equal(isRead({ [handler]: { body } }), false);
    decoder.resume();
    assert.equal(isRead({ [handler]: { body } }), true);
  });

  it('counts as read if its body is not found', () => {
    const requests = [{}, { [handler]: null }, { [handler]: { body: null } }, { [handler]: { body: 'x' } }];
    for (const request of [...requests, { [handler]: { body: {} } }]) assert.equal(isRead(request), true);
  });
});
