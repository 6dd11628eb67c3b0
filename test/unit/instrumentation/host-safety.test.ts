// Every call into our own tracing fails on purpose: the application may not notice.
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { InstrumentationContext } from '../../../src/instrumentation/instrumentation.js';
import { channelInstrumentations, instrumentations } from '../../../src/instrumentation/instrumentations.js';
import { Loader } from '../../../src/instrumentation/loader.js';
import { ToolBox } from './tool-box.js';

/** An object whose every method throws. */
function failing<Target extends object>(target: Target, name: string): Target {
  return new Proxy(target, {
    get: (_target, key) => {
      throw new Error(`${name}.${String(key)}`);
    },
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function get(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      })
      .on('error', reject);
  });
}

const broken: readonly (readonly [
  'entry' | 'exit' | 'both' | 'servers',
  (tools: InstrumentationContext) => InstrumentationContext,
])[] = [
  ['entry', (tools) => ({ ...tools, entrySpans: failing(tools.entrySpans, 'entry') })],
  ['exit', (tools) => ({ ...tools, exitSpans: failing(tools.exitSpans, 'exit') })],
  ['servers', (tools) => ({ ...tools, servers: failing(tools.servers, 'servers') })],
  [
    'both',
    (tools) => ({
      ...tools,
      entrySpans: failing(tools.entrySpans, 'entry'),
      exitSpans: failing(tools.exitSpans, 'exit'),
    }),
  ],
];

for (const [what, breakTools] of broken) {
  describe(`when ${what} of ours fails with every call`, () => {
    const box = new ToolBox();
    const loader = new Loader({
      context: breakTools(box.tools),
      instrumentations: instrumentations.filter(({ name }) => name === 'http' || name === 'https'),
      channels: channelInstrumentations,
      known: instrumentations,
    });
    let server: http.Server;
    let port = 0;

    before(async () => {
      loader.start();
      server = http.createServer((req, res) => {
        if (req.url !== '/out') {
          res.end(`hello ${req.url}`);
          return;
        }
        get(port, '/inner').then(
          async ({ body }) => res.end(`${body} ${await (await fetch(`http://127.0.0.1:${port}/fetched`)).text()}`),
          (error: unknown) => res.end(String(error)),
        );
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port; // a TCP server has this form
    });
    after(() => {
      loader.stop();
      server.closeAllConnections();
      server.close();
    });

    it('requests are answered as ever, also after the instrumentation has stepped aside', async () => {
      for (let round = 0; round < 25; round++) {
        assert.deepEqual(await get(port, '/a?b=1'), { status: 200, body: 'hello /a?b=1' });
        assert.deepEqual(await get(port, '/out'), { status: 200, body: 'hello /inner hello /fetched' });
      }
    });

    it('the faults are counted, and told once of each place', () => {
      const counts = box.faults.counts();
      assert.ok(Object.keys(counts).length > 0);
      const told = box.lines.filter((line) => line.startsWith('internal error in '));
      assert.equal(told.length, Object.keys(counts).length);
    });
  });
}
