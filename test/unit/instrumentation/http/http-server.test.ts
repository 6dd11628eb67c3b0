// Events of requests and responses: which of them get the context of the request, and what the end of a response is taken from.
import assert from 'node:assert/strict';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { channelInstrumentations, instrumentations } from '../../../../src/instrumentation/instrumentations.js';
import { Loader } from '../../../../src/instrumentation/loader.js';
import { ToolBox } from '../tool-box.js';

const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';

describe('an HTTP server', () => {
  let box: ToolBox;
  let loader: Loader;
  let server: http.Server;
  let handler: http.RequestListener;
  let port: number;

  beforeEach(async () => {
    box = new ToolBox();
    loader = new Loader({
      context: box.tools,
      instrumentations: instrumentations.filter(({ name }) => name === 'http'),
      channels: channelInstrumentations,
      known: instrumentations,
    });
    loader.start();
    server = http.createServer((req, res) => handler(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port; // a TCP server has this form
  });
  afterEach(() => {
    loader.stop();
    server.closeAllConnections();
    server.close();
  });

  /** Sends the pieces with a pause between them, and waits for the end of the answer. */
  async function send(...pieces: readonly string[]): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const ended = new Promise((resolve) => socket.resume().on('close', resolve));
    for (const piece of pieces) {
      socket.write(piece);
      await sleep(30);
    }
    socket.end();
    await ended;
  }

  it('has the status that the client got, whatever is set after that', async () => {
    handler = (_req, res) => {
      res.writeHead(201);
      res.statusCode = 500;
      res.end();
    };
    await send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [span] = box.spans();
    assert.equal(span?.data.http?.status, 201);
    assert.equal(span?.ec, 0);
  });

  it('has the status that was set, when its head is no call of the application', async () => {
    handler = (_req, res) => {
      res.statusCode = 503;
      res.end('no');
    };
    await send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [span] = box.spans();
    assert.equal(span?.data.http?.status, 503);
    assert.equal(span?.ec, 1);
  });

  it('has the status that was written, where somebody was here before who writes another', async () => {
    loader.stop();
    const { writeHead } = http.ServerResponse.prototype;
    http.ServerResponse.prototype.writeHead = function (this: http.ServerResponse, _status: number, ...rest: never[]) {
      return writeHead.call(this, 503, ...rest);
    } as typeof writeHead;
    try {
      loader.start();
      handler = (_req, res) => res.end('changed');
      await send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const [span] = box.spans();
      assert.equal(span?.data.http?.status, 503);
      assert.equal(span?.ec, 1);
      loader.stop();
    } finally {
      http.ServerResponse.prototype.writeHead = writeHead;
    }
  });

  for (const isEarly of [false, true]) {
    it(`calls listeners for the end of a body in the context of the request, answered ${isEarly ? 'before' : 'then'}`, async () => {
      const active: unknown[] = [];
      const note = () => active.push(box.scope.get()?.traceId);
      handler = (req, res) => {
        note();
        if (isEarly) res.end('early');
        // The name of what Node.js itself listens with.
        req.on('end', function clearIncoming() {
          note();
          if (!isEarly) res.end('then');
        });
        req.resume();
      };
      await send(head, 'body');
      assert.match(String(active[0]), /^[0-9a-f]{16}$/);
      assert.deepEqual(active, [active[0], active[0]]);
    });
  }

  it('enters no context for what only Node.js listens to', async () => {
    handler = (_req, res) => res.end('early');
    const apply = mock.method(box.scope, 'apply');
    const agent = new http.Agent({ keepAlive: true });
    for (let request = 0; request < 3; request++) {
      await new Promise((resolve) => {
        http.get({ port, agent }, (answer) => answer.resume().on('close', resolve));
      });
    }
    agent.destroy();
    assert.equal(box.spans().filter(({ k }) => k === 1).length, 3);
    assert.equal(apply.mock.callCount(), 0);
  });
});
