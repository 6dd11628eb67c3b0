// What is traced by hand, seen from an agent: spans among automatic ones, and servers without a preload.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { type Consumer, makeConsumer, run } from '../../support/consumer.js';
import { appsFolder } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

let agent: SpanCollector;
let consumer: Consumer;
const downstream = createServer((req, res) => {
  carriers.set(req.url ?? '', req.headers);
  res.end('ok');
});
const carriers = new Map<string, NodeJS.Dict<string | string[]>>();
before(async () => {
  agent = await startTestAgent();
  consumer = await makeConsumer();
  await new Promise<void>((resolve) => downstream.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  downstream.close();
  downstream.closeAllConnections();
  consumer.remove();
  await agent.close();
});

async function start(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const { port } = downstream.address() as AddressInfo; // a listening TCP server has this form
  const { code, stdout, stderr } = await run(process.execPath, [...args, file], {
    cwd: consumer.folder,
    env: { INSTANA_AGENT_PORT: String(agent.port), DOWNSTREAM_URL: `http://127.0.0.1:${port}`, ...env },
  });
  assert.equal(code, 0, stderr);
  return { stdout, stderr };
}

for (const [flag, preload] of [
  ['-r', ['-r', '@instana/ts-sensor/bootstrap']],
  ['--import', ['--import', '@instana/ts-sensor/bootstrap']],
] as const) {
  describe(`a manual span under an automatic one, and above one (${flag})`, () => {
    let spans: readonly WireSpan[];
    let kept: Record<string, string>;
    let stderr: string;
    before(async () => {
      agent.clear();
      consumer.put('spans-by-hand.cjs', readFileSync(join(appsFolder, 'spans-by-hand.cjs'), 'utf8'));
      const ended = await start('spans-by-hand.cjs', preload, { INSTANA_LOG_LEVEL: 'debug' });
      kept = JSON.parse(ended.stdout) as Record<string, string>; // the only thing that it prints
      stderr = ended.stderr;
      spans = [...agent.spans()];
    });

    const byHand = (name: string): WireSpan => {
      const found = spans.filter(({ data }) => data.sdk?.name === name);
      assert.equal(found.length, 1, name);
      return found[0] as WireSpan; // there is one
    };
    const entryOf = (name: string): WireSpan | undefined =>
      spans.find(({ k, data }) => k === 1 && data.http?.url === `/${name}`);
    const exitOf = (name: string): WireSpan | undefined =>
      spans.find(({ k, data }) => k === 2 && data.http?.url?.endsWith(`/${name}`) === true);

    for (const name of ['timer', 'immediate', 'promise', 'stream', 'emitter']) {
      it(`keeps the trace across: ${name}`, () => {
        const entry = entryOf(name);
        const span = byHand(name);
        const exit = exitOf(name);
        assert.deepEqual([span.t, span.p, span.k], [entry?.t, entry?.s, 3]);
        assert.deepEqual([exit?.t, exit?.p], [entry?.t, span.s]);
        const { 'x-instana-t': t, 'x-instana-s': s } = carriers.get(`/${name}`) ?? {};
        assert.deepEqual([t, s], [exit?.t, exit?.s]);
        assert.equal(kept[name], 'true', 'the request is active again afterwards');
      });
    }

    it('has the error that was thrown inside, at once or later', () => {
      for (const [name, text] of [
        ['throws', 'RangeError: at once'],
        ['rejects', 'TypeError: later'],
      ] as const) {
        const span = byHand(name);
        assert.deepEqual([span.ec, span.p], [1, entryOf(name)?.s]);
        assert.equal(span.data.sdk?.custom?.tags?.['message'], text);
        assert.match(span.stack?.[0]?.c ?? '', /spans-by-hand\.cjs$/);
        assert.equal(entryOf(name)?.ec, 0);
        assert.equal(kept[name], 'true');
      }
    });

    it('is sent once when it is finished three times, with one line at debug level', () => {
      const { s } = byHand('throws');
      assert.equal(stderr.split('\n').filter((line) => line.includes(s)).length, 1);
      assert.match(stderr, new RegExp(`debug: finish\\(\\) of a span that has ended already is ignored: .*${s}`));
    });

    it('that is an exit itself has no second exit below, and hands its own context on', () => {
      const span = byHand('exit');
      assert.equal(span.k, 2);
      assert.equal(exitOf('exit'), undefined);
      assert.equal(carriers.get('/exit')?.['x-instana-s'], span.s);
    });

    it('may be nested', () => {
      const [outer, inner] = [byHand('outer'), byHand('inner')];
      assert.deepEqual([outer.p, inner.p, exitOf('nested')?.p], [entryOf('nested')?.s, outer.s, inner.s]);
    });

    it('outside any request begins a trace, with the calls made in it below', () => {
      const job = byHand('job');
      assert.deepEqual([job.k, job.p, job.t], [1, undefined, job.s]);
      assert.deepEqual([exitOf('job')?.t, exitOf('job')?.p], [job.t, job.s]);
    });
  });
}

/** A server that visits itself, prints what it was told, and ends. */
const server = (listener: string): string => `
  const http = require('node:http');
  const sensor = require('@instana/ts-sensor');
  const state = () => sensor.status().agent.state;
  const before = state();
  const server = http.createServer(${listener});
  const after = state();
  server.listen(0, '127.0.0.1', () => {
    http.get({ host: '127.0.0.1', port: server.address().port, path: '/things/1', agent: false }, (answer) => {
      answer.resume().on('end', () => setImmediate(async () => {
        await sensor.flush();
        console.log(JSON.stringify([before, after === 'off', answer.statusCode, sensor.status().spans.finished]));
        process.exit(0);
      }));
    });
  });`;

describe('a server that is wrapped, without a preload', () => {
  for (const [name, listener] of [
    ['wrapListener', `sensor.wrapListener((req, res) => res.end('a thing'))`],
    ['middleware', `((trace) => (req, res) => trace(req, res, () => res.end('a thing')))(sensor.middleware())`],
  ] as const) {
    for (const env of [{}, { INSTANA_DISABLE_AUTO_INSTR: '1' }] as Record<string, string>[]) {
      it(`starts the sensor by ${name}(), and its spans arrive once ${JSON.stringify(env)}`, async () => {
        agent.clear();
        consumer.put('served.cjs', server(listener));
        const { stdout } = await start('served.cjs', [], env);
        assert.deepEqual(JSON.parse(stdout), ['off', false, 200, 1]);
        await agent.waitForSpans((spans) => spans.length > 0, 3000);
        const [span] = agent.spans();
        assert.equal(agent.spans().length, 1);
        assert.deepEqual([span?.n, span?.data.http?.url], ['node.http.server', '/things/1']);
      });
    }
  }

  it('has manual spans below the request', async () => {
    agent.clear();
    const listener = `sensor.wrapListener((req, res) => {
      sensor.tracer.startSpan('work').finish();
      res.end('a thing');
    })`;
    consumer.put('served.cjs', server(listener));
    await start('served.cjs', []);
    await agent.waitForSpans((spans) => spans.length > 1, 3000);
    const [work, entry] = agent.spans();
    assert.deepEqual([work?.data.sdk?.name, work?.p, work?.t], ['work', entry?.s, entry?.t]);
  });
});

describe('pages where tracing is off', () => {
  it('have their snippet, which names no trace', async () => {
    const script = "process.stdout.write(require('@instana/ts-sensor').eumSnippet({ apiKey: 'k' }))";
    for (const [value, expected] of [
      ['true', /^<script>.*ineum\('apiKey','k'\);<\/script>$/],
      ['false', /^$/], // outside any request
    ] as const) {
      const { stdout } = await start('--', ['-e', script], { INSTANA_TRACING_DISABLE: value });
      assert.match(stdout, expected);
      assert.doesNotMatch(stdout, /traceId/);
    }
  });
});
