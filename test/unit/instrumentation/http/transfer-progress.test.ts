// Readers of streams, and the bytes of sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { bytesTransferred, hasReader } from '../../../../src/instrumentation/http/transfer-progress.js';

const endless = (): Readable => new Readable({ read: () => {} });

describe('a stream', () => {
  const withReader: Record<string, (stream: Readable) => void> = {
    'a listener for data': (stream) => stream.on('data', () => {}),
    'a listener for readable': (stream) => stream.on('readable', () => {}),
    'a pipe': (stream) => stream.pipe(new PassThrough()),
    'a pipe to a target that holds it up': (stream) => {
      stream.pipe(new PassThrough());
      stream.pause();
    },
    'an iteration': (stream) => void stream[Symbol.asyncIterator]().next(),
    resume: (stream) => stream.resume(),
    'a direct read': (stream) => {
      stream.push('x');
      stream.read();
    },
  };
  for (const [name, read] of Object.entries(withReader)) {
    it(`has a reader: ${name}`, () => {
      const stream = endless();
      read(stream);
      assert.equal(hasReader(stream), true);
    });
  }

  it('has no reader if nobody has touched it, if it is only paused, or if bytes wait in it', () => {
    assert.equal(hasReader(endless()), false);
    assert.equal(hasReader(endless().pause()), false);
    const full = endless();
    full.push('x');
    assert.equal(hasReader(full), false);
    assert.equal(hasReader(endless().on('end', () => {})), false);
    assert.equal(hasReader({}), false);
  });
});

describe('a connection', () => {
  it('has carried the bytes that were read and written', async () => {
    const server = net.createServer((socket) => socket.end('four')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1'); // a TCP server has this form
    socket.write('three');
    socket.resume();
    await once(socket, 'end');
    assert.equal(bytesTransferred(socket), 9);
    server.close();
  });

  it('of another kind does not count', () => {
    for (const socket of [null, undefined, {}, new PassThrough()]) assert.ok(Number.isNaN(bytesTransferred(socket)));
  });
});
