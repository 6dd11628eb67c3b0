// Applications that catch errors with `domain`, which replaces the `emit` of all emitters when it is loaded.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

/** By the case of the application: the status and the text of its response. */
const expected: Readonly<Record<string, readonly [title: string, status: number, body: string]>> = {
  requestData: ['a listener for the body of a request throws', 500, 'data, thrown true, emitter none, own true'],
  requestEnd: ['a listener for the end of a request throws', 500, 'end, thrown true, emitter none, own true'],
  requestError: ['a request emits an error', 500, 'request error, thrown false, emitter IncomingMessage, own true'],
  responseError: ['a response emits an error', 500, 'response error, thrown false, emitter ServerResponse, own true'],
  responseEvent: ['a listener of a response throws', 500, 'pipe, thrown true, emitter none, own true'],
  callError: ['a call fails', 500, 'connect ECONNREFUSED 127.0.0.1:9, thrown false, emitter ClientRequest, own true'],
  callResponse: ['a listener of a call throws', 500, 'call response, thrown true, emitter none, own true'],
  callBody: ['a listener for the body of a call throws', 500, 'call body, thrown true, emitter none, own true'],
  insideRun: ['a timer throws that a listener has set', 500, 'timer, thrown true, emitter none, own true'],
  server: ['a handler of a server throws', 500, 'handler, thrown true, emitter none, own true'],
};

for (const version of nodeVersions) {
  const { title: nodeTitle, skip } = version;
  describe(`a domain on ${nodeTitle}`, { skip }, () => {
    const downstream = http.createServer((_request, response) => response.end('body'));
    const apps = new Map<string, TracedApp>();

    before(async () => {
      if (skip !== false) return;
      downstream.listen(0, '127.0.0.1');
      await once(downstream, 'listening');
      const downstreamUrl = `http://127.0.0.1:${(downstream.address() as AddressInfo).port}`; // a TCP server has this form
      for (const loader of ['none', 'require', 'import'] as const) {
        const options = { file: 'field/domains.cjs', loader, downstreamUrl } as const;
        apps.set(loader, await TracedApp.start(options, version));
      }
    });
    after(async () => {
      for (const app of apps.values()) await app.stop();
      downstream.closeAllConnections();
      downstream.close();
    });

    for (const loader of ['none', 'require', 'import']) {
      const how = loader === 'none' ? 'without the sensor' : `with the sensor by ${loader}`;
      for (const [id, [title, status, body]] of Object.entries(expected)) {
        it(`catches the error if ${title}, ${how}`, async () => {
          const app = apps.get(loader) ?? assert.fail();
          const reply = await app.send({ method: 'POST', path: '/', body: 'x' }, id);
          assert.deepEqual([reply.status, reply.body], [status, body], app.stderr);
        });
      }
    }

    it('leaves the spans of requests that failed', async () => {
      const app = apps.get('require') ?? assert.fail();
      const failed = Object.keys(expected).length;
      const spans = await app.spans((all) => all.filter(({ k }) => k === 1).length >= failed);
      const statuses = spans.filter(({ k }) => k === 1).map(({ data }) => data.http?.status);
      assert.deepEqual(statuses, Array(failed).fill(500));
    });

    it('is like any other tool that replaces the emit of all emitters after the sensor was loaded', async () => {
      const bodies = new Set<string>();
      for (const app of apps.values()) bodies.add((await app.get('/', {}, 'replaced')).body);
      assert.equal(bodies.size, 1, [...bodies].join('\n\n'));
      assert.match([...bodies][0] ?? '', /ClientRequest: .*response.*\nIncomingMessage: .*end.*\nServer: .*request/);
    });
  });
}
