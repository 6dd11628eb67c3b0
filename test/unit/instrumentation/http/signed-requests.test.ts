// Signed requests of Node.js' clients against a real server that verifies them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fetchClient } from '../../../../src/instrumentation/http/fetch.js';
import { httpClient } from '../../../../src/instrumentation/http/http-client.js';
import { Loader } from '../../../../src/instrumentation/loader.js';
import { readTraceparent } from '../../../../src/propagation/traceparent.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import {
  isSignatureValid,
  type SignatureForm,
  type SignedRequest,
  signatureForms,
} from '../../../support/signatures.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const caller = 'b7ad6b7169203331';
const received = `00-0af7651916cd43dd${traceId}-${caller}-01`;

/** A request that came with trace headers. */
function entry(): SpanRecord {
  const attributes = new HttpAttributes('GET', '/', null);
  const span = new SpanRecord('node.http.server', 1, traceId, '00f067aa0ba902b7', caller, null, 0, 0, attributes);
  const w3c = readTraceparent(received);
  assert.ok(w3c !== null);
  span.w3c = w3c;
  return span;
}

async function status(request: http.ClientRequest): Promise<number | undefined> {
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode;
}

type Send = (base: URL, request: SignedRequest) => Promise<number | undefined>;

const withHost = ({ headers }: SignedRequest, { host }: URL): Record<string, string> => ({ ...headers, host });
/** Ways to send a request. With lists Node.js adds no Host header. */
const ways: readonly (readonly [way: string, send: Send])[] = [
  ['a URL and an object', (base, { path, headers }) => status(http.request(base.origin + path, { headers }))],
  [
    'options',
    (base, { path, headers }) => status(http.request({ port: base.port, host: base.hostname, path, headers })),
  ],
  [
    'a flat list',
    (base, request) =>
      status(http.request(base.origin + request.path, { headers: Object.entries(withHost(request, base)).flat() })),
  ],
  [
    'pairs',
    (base, request) => {
      const headers = Object.entries(withHost(request, base)) as unknown as http.OutgoingHttpHeaders; // as Node.js takes them
      return status(http.request(base.origin + request.path, { headers }));
    },
  ],
  [
    'setHeader',
    (base, { path, headers }) => {
      const request = http.request(base.origin + path);
      for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
      return status(request);
    },
  ],
  [
    'fetch',
    async (base, { path, headers }) => {
      const response = await fetch(base.origin + path, { headers: { ...headers } });
      await response.text();
      return response.status;
    },
  ],
];

for (const form of signatureForms) signedRequests(form);

function signedRequests(form: SignatureForm): void {
  describe(`a request that is signed: ${form.title}`, () => {
    const box = new ToolBox();
    const arrivals: http.IncomingHttpHeaders[] = [];
    const server = http.createServer((req, res) => {
      arrivals.push(req.headers);
      res.writeHead(isSignatureValid(form, req) ? 200 : 403).end();
    });
    let base: URL;
    const loader = new Loader({
      context: box.tools,
      instrumentations: [httpClient],
      channels: [fetchClient],
      known: [httpClient, fetchClient],
    });

    before(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // a TCP server has this form
      loader.start();
    });
    after(() => {
      loader.stop();
      server.closeAllConnections();
      server.close();
      assert.deepEqual(box.faults.counts(), {});
    });

    /** Sends a request that passes on these headers of the request being served, and signs some of them. */
    async function send(
      way: Send,
      copied: Record<string, string>,
      names: readonly string[],
    ): Promise<number | undefined> {
      arrivals.length = 0;
      const signed = form.sign('/a?b=1', { ...copied, host: base.host }, ['host', ...names]);
      const { host: _host, ...headers } = signed.headers;
      return await box.scope.apply(entry(), () => way(base, { ...signed, headers }), undefined, []);
    }

    for (const [way, sendBy] of ways) {
      it(`with a traceparent that is passed on arrives valid: ${way}`, async () => {
        assert.equal(await send(sendBy, { traceparent: received }, ['traceparent']), 200);
        assert.equal(arrivals[0]?.['traceparent'], received);
      });

      it(`with X-INSTANA headers that are passed on arrives valid: ${way}`, async () => {
        const copied = { 'x-instana-t': traceId, 'x-instana-s': caller };
        assert.equal(await send(sendBy, copied, ['x-instana-s', 'x-instana-t']), 200);
        assert.equal(arrivals[0]?.['x-instana-s'], caller);
      });

      it(`without a trace header in its signature is traced: ${way}`, async () => {
        assert.equal(await send(sendBy, { traceparent: received, 'x-a': '1' }, ['x-a']), 200);
        const isReplaced = arrivals[0]?.['traceparent'] !== received;
        // What is set after the request was made is not seen.
        assert.equal(isReplaced, way !== 'setHeader');
        assert.equal(arrivals[0]?.['x-instana-t'], traceId);
      });
    }
  });
}
