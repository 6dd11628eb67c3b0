// Which events of a call have to be moved into its context.
import assert from 'node:assert/strict';
import { ClientRequest } from 'node:http';
import { describe, it } from 'node:test';
import { ClientCall, isOutsideCall } from '../../../../src/instrumentation/http/client-call.js';
import { ActiveSpan, suppressed } from '../../../../src/spans/active-span.js';

describe('a listener of a call', () => {
  const activeSpan = new ActiveSpan();

  /** A request that is never sent, with listeners for an event of Node.js and for one of the application. */
  function unsent(): ClientRequest {
    const request = new ClientRequest('http://127.0.0.1:9/', () => {});
    request.on('error', () => {}).on('timeout', () => {});
    request.on('own', () => {});
    request.destroy();
    return request;
  }

  it('is outside if another request is active, or a suppression, or anything at all', () => {
    const request = unsent();
    const call = new ClientCall(null, undefined, request);
    assert.equal(isOutsideCall(call, request, 'timeout', activeSpan), false);
    activeSpan.apply(
      suppressed,
      () => assert.equal(isOutsideCall(call, request, 'timeout', activeSpan), true),
      null,
      [],
    );
    const inside = new ClientCall(null, suppressed, request);
    assert.equal(isOutsideCall(inside, request, 'timeout', activeSpan), true);
    activeSpan.apply(
      suppressed,
      () => assert.equal(isOutsideCall(inside, request, 'timeout', activeSpan), false),
      null,
      [],
    );
  });

  it('is left where it is for events of the application, and without a listener', () => {
    const request = unsent();
    const call = new ClientCall(null, suppressed, request);
    assert.equal(isOutsideCall(call, request, 'own', activeSpan), false);
    assert.equal(isOutsideCall(call, request, 'drain', activeSpan), false);
  });

  it('has no reader before a response has arrived', () => {
    const request = unsent();
    const call = new ClientCall(null, undefined, request);
    assert.equal(call.hasReader, false);
    assert.equal(call.socket, request.socket);
  });
});
