// Other tools that write trace headers on the same calls: one of each header is sent, in whatever order the tools were loaded.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { type Arrival, type Downstream, startDownstream } from '../../support/downstream.js';
import { appsFolder, repositoryRoot } from '../../support/run-app.js';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

const peer = join(repositoryRoot, 'test/peers/tracers');
const missing = existsSync(join(peer, 'node_modules'))
  ? false
  : 'other tracers are not installed: npm ci --ignore-scripts --prefix test/peers/tracers';

const traceHeaders = ['traceparent', 'tracestate', 'x-instana-t', 'x-instana-s', 'x-instana-l'];
const undiciClients = [5, 6, 7].flatMap((major) =>
  ['request', 'stream', 'pool', 'fetch'].map((kind) => `undici${major}-${kind}`),
);
const clients = ['fetch', 'redirected', 'http', ...undiciClients];

interface Writer {
  readonly name: string;
  readonly order: 'before' | 'after';
  /** Whether a `traceparent` is the writer's. */
  readonly isTheirs: (traceparent: string) => boolean;
}

const isValid = (traceparent: string): boolean => /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/.test(traceparent);
const subscribersParent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
const writers: readonly Writer[] = (['before', 'after'] as const).flatMap((order): Writer[] => [
  { name: 'subscriber', order, isTheirs: (traceparent) => traceparent === subscribersParent },
  // Its ids are random. A `traceparent` of ours would have the id of the span that X-INSTANA names.
  { name: 'opentelemetry', order, isTheirs: isValid },
]);

for (const { title, skip, ...version } of nodeVersions) {
  for (const { name, order, isTheirs } of writers) {
    describe(`with ${name} loaded ${order} the sensor, on ${title}`, { skip: skip || missing }, () => {
      let app: TracedApp;
      let downstream: Downstream;

      before(async () => {
        downstream = await startDownstream();
        const file = join(appsFolder, 'header-writers', `${name}.cjs`);
        app = await TracedApp.start(
          {
            file: 'header-writers-app.cjs',
            loader: 'require',
            downstreamUrl: downstream.url,
            ...(order === 'before' ? { nodeArguments: ['-r', file] } : { env: { LATE_WRITER: file } }),
          },
          version,
        );
      });
      after(async () => {
        await app.stop();
        await downstream.close();
      });

      for (const client of clients) {
        it(`${client} sends one of each trace header, and the other tool's where it sets one`, async () => {
          const key = `${client}-traced`;
          await call(app, `/${client}/${key}`);
          for (const sent of arrivals(downstream, key, client)) {
            assert.deepEqual(repeated(sent), []);
            const parent = sent.get('traceparent')?.[0] ?? '';
            const span = sent.get('x-instana-s')?.[0];
            assert.ok(span, 'X-INSTANA headers are sent');
            assert.ok(isTheirs(parent), parent);
            assert.ok(!parent.includes(span), `${parent} is ours`);
            assert.notEqual(sent.get('x-instana-t'), undefined);
          }
        });

        it(`${client} sends no header twice in a suppressed request`, async () => {
          const key = `${client}-suppressed`;
          await call(app, `/${client}/${key}`, { 'X-INSTANA-L': '0' });
          for (const sent of arrivals(downstream, key, client)) {
            assert.deepEqual(repeated(sent), []);
            assert.deepEqual(sent.get('x-instana-l'), ['0']);
            assert.ok(sent.has('traceparent'));
          }
        });
      }

      it('makes one exit span for each request on the wire', async () => {
        const keys = clients.filter((client) => client !== 'redirected').map((client) => `${client}-exits`);
        for (const key of keys) await call(app, `/${key.slice(0, -'-exits'.length)}/${key}`);
        const exits = (spans: readonly WireSpan[], key: string): WireSpan[] =>
          spans.filter(({ k, data }) => k === 2 && data?.http?.url?.endsWith(`/ok/${key}`) === true);
        const spans = await app.spans((all) => keys.every((key) => exits(all, key).length > 0));
        for (const key of keys) assert.equal(exits(spans, key).length, 1, key);
      });
    });
  }
}

async function call(app: TracedApp, path: string, headers = {}): Promise<void> {
  const { status, body } = await app.get(path, headers);
  assert.equal(status, 200, body);
}

/** The headers of the requests with this key: values by lower-case name. */
function arrivals(downstream: Downstream, key: string, client: string): Map<string, string[]>[] {
  const found = downstream.arrivals.filter(({ url }) => url.endsWith(`/${key}`));
  assert.equal(found.length, client === 'redirected' ? 3 : 1, 'requests on the wire');
  return found.map(valuesByName);
}

function valuesByName({ headers }: Arrival): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

/** The trace headers that were sent more than once. */
function repeated(sent: ReadonlyMap<string, readonly string[]>): string[] {
  return traceHeaders.filter((name) => (sent.get(name)?.length ?? 0) > 1);
}
