// Ten requests at once, each with a second call out of a callback of a library that keeps a queue of its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

const atOnce = 10;
/** How many of the second calls stand below their own request. */
function ownCalls(spans: readonly WireSpan[], run: string): number {
  const entries = new Map(
    spans
      .filter(({ k, data }) => k === 1 && data.http?.url?.startsWith(`/${run}-`) === true)
      .map((span) => [span.s, span]),
  );
  const seconds = spans.filter(({ k, data }) => k === 2 && data.http?.url?.includes(`/pause/${run}-`) === true);
  return seconds.filter(({ p, data }) => {
    const [, name] = /\/pause\/(.*)-second$/.exec(data.http?.url ?? '') ?? [];
    return name !== undefined && entries.get(p ?? '')?.data.http?.url === `/${name}`;
  }).length;
}

for (const version of nodeVersions) {
  const { title: nodeTitle, skip } = version;
  describe(`calls on ${nodeTitle} stand below their own request`, { skip }, () => {
    const downstream = http.createServer((_request, response) => setTimeout(() => response.end('x'), 10));
    let app: TracedApp | null = null;

    before(async () => {
      if (skip !== false) return;
      downstream.listen(0, '127.0.0.1');
      await once(downstream, 'listening');
      app = await TracedApp.start(
        {
          file: 'field/queues.cjs',
          loader: 'require',
          downstreamUrl: `http://127.0.0.1:${(downstream.address() as AddressInfo).port}`, // a TCP server has this form
        },
        version,
      );
    });
    after(async () => {
      await app?.stop();
      downstream.closeAllConnections();
      downstream.close();
    });

    async function run(server: string): Promise<number> {
      const running = app ?? assert.fail();
      const name = server.replace('-', '_');
      await Promise.all(Array.from({ length: atOnce }, (_, index) => running.get(`/${name}-${index}`, {}, server)));
      const isSecond = ({ k, data }: WireSpan): boolean =>
        k === 2 && new RegExp(`/pause/${name}-\\d+-second$`).test(data.http?.url ?? '');
      const isEntry = ({ k, data }: WireSpan): boolean => k === 1 && data.http?.url?.startsWith(`/${name}-`) === true;
      const spans = await running.spans(
        (all) => all.filter(isSecond).length >= atOnce && all.filter(isEntry).length >= atOnce,
      );
      return ownCalls(spans, name);
    }

    for (const library of ['generic-pool', 'dataloader', 'q'])
      it(`after ${library} has called back`, async () => assert.equal(await run(library), atOnce));
  });
}
