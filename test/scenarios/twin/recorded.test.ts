// Our spans beside those that the official sensor sent for the same requests to the same applications.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { AppProcess, root } from './app-process.js';

interface Scenario {
  title: string;
  request: { method: string; path: string; headers: Record<string, string> };
  /** `body` only where it shows ids. */
  response: { status: number; serverTiming?: string; body?: string };
  /** The trace headers of each request that arrived downstream. */
  downstreamReceived: Record<string, string>[];
  spans: Json[];
}

type Json = Record<string, unknown>;

/** A recording with settings of the agent's has them in its announce answer. */
interface Announce {
  readonly secrets: { matcher: string; list: string[] };
  readonly extraHeaders: readonly string[];
  readonly tracing: Json & { readonly global: { readonly 'stack-trace-length': number } };
}

const captured = { INSTANA_EXTRA_HTTP_HEADERS: 'X-Show-Me' };
const applications = [
  { file: 'recorded-express.cjs', recording: 'traces-express.json', port: 4102, env: captured },
  {
    file: 'recorded-koa.cjs',
    recording: 'traces-koa.json',
    port: 4103,
    env: { ...captured, INSTANA_SERVICE_NAME: 'koa-shop' },
  },
  {
    file: 'recorded-express.cjs',
    recording: 'traces-agent-config.json',
    port: 4102,
    env: { SERVICE_NAME_IN_CODE: 'configured-service' },
  },
  { file: 'recorded-extras.cjs', recording: 'traces-extras.json', port: 4105, env: {} },
];
const recordedDownstream = '127.0.0.1:4101';

/** Members in which we differ from the recording on purpose: which, where, and why. */
const deviations: readonly { member: RegExp; title?: RegExp; why: string }[] = [
  {
    member: /^data\.http\.params$/,
    title: /credentials in the URL|koa outgoing call/,
    why: 'the recording has null for a URL without a query; members without a value are left out',
  },
  {
    member: /^k$/,
    title: /OpenTracing/,
    why: 'the official sensor sends no kind for OpenTracing spans, so that they cannot be classified',
  },
  {
    member: /^data\.sdk\.custom\.logs$/,
    title: /OpenTracing/,
    why: 'the recording has an empty object where there are no logs; members without a value are left out',
  },
  {
    member: /^data\.http\.(path_tpl|error)$|^stack$/,
    title: /koa handler throws/,
    why: 'the official sensor loses template and error of a Koa handler that rejects',
  },
  {
    member: /^data\.sdk\.custom\.logs$/,
    title: /SDK exit span with an error/,
    why: 'the error is told by an OpenTracing log here, which stays a log, and by an argument of its own API there',
  },
  {
    member: /^Server-Timing$/,
    title: /koa handler throws/,
    why: 'Koa removes what was set before an error, and the recording lacks it; ours is added when the head is written',
  },
  {
    member: /^first frame$/,
    title: /native fetch/,
    why: 'fetch is followed on the channels of Node.js, whose frames come first',
  },
];

/** What is different with every run: only its kind is compared, or how it relates to other spans. */
const relations = new Set(['t', 's', 'p', 'ts', 'd', 'f.e', 'stack']);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every member by its path; tags, logs and headers are looked at as a whole. */
function members(span: Json, prefix = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(span)) {
    const path = prefix + key;
    if (isObject(value) && !/(tags|logs|header)$/.test(path)) {
      for (const [inner, leaf] of members(value, `${path}.`)) found.set(inner, leaf);
    } else {
      found.set(path, value);
    }
  }
  return found;
}

function kind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

function isArgued(title: string, member: string): boolean {
  return deviations.some((row) => row.member.test(member) && (row.title === undefined || row.title.test(title)));
}

/** Spans of one scenario that stand for the same thing in both lists. */
function nameOf(span: Json): string {
  const data = span['data'] as { http?: { url?: string }; sdk?: { name?: string } }; // every span has data
  return `${String(span['n'])} ${data.sdk?.name ?? ''} ${span['n'] === 'sdk' ? '' : (data.http?.url ?? '')}`;
}

function request(port: number, { method, path, headers }: Scenario['request']): Promise<Scenario['response']> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        const { statusCode = 0, headers: answered } = response;
        const timing = answered['server-timing'];
        response.on('end', () =>
          resolve({ status: statusCode, body, ...(typeof timing === 'string' ? { serverTiming: timing } : {}) }),
        );
      })
      .on('error', reject)
      .end();
  });
}

for (const { file, recording, port: recordedPort, env } of applications) {
  describe(`the spans of ${file} beside those in ${recording}`, () => {
    const recorded = JSON.parse(readFileSync(join(root, 'test/vectors', recording), 'utf8')) as
      | Scenario[]
      | { announce: Announce; scenarios: Scenario[] };
    const { announce, scenarios } = Array.isArray(recorded) ? { announce: null, scenarios: recorded } : recorded;
    const mostFrames = announce?.tracing.global['stack-trace-length'] ?? 10;
    const arrivals: http.IncomingHttpHeaders[] = [];
    let agent: TestAgent;
    let app: AppProcess;
    let downstream: http.Server;
    let downstreamHost = '';

    before(async () => {
      agent = await TestAgent.start({ record: true });
      Object.assign(agent.announceSettings, announce);
      downstream = http.createServer((req, res) => {
        arrivals.push(req.headers);
        req.resume();
        res.statusCode = Number(/status=(\d+)/.exec(req.url ?? '')?.[1] ?? 200);
        res.setHeader('X-Show-Me', 'from downstream');
        res.end('x');
      });
      await new Promise<void>((resolve) => downstream.listen(0, '127.0.0.1', resolve));
      downstreamHost = `127.0.0.1:${(downstream.address() as AddressInfo).port}`; // a TCP server has this form
      app = await AppProcess.start({
        file: join('twin', file),
        traced: true,
        agentPort: agent.port,
        env: { ...env, DOWNSTREAM_URL: `http://${downstreamHost}` },
      });
      // The sensor knows the agent's settings before it asks whether the agent is ready.
      await waitUntil(() => agent.requests('HEAD').length > 0, 'the sensor', 10_000);
    });

    after(async () => {
      await app.stop();
      await agent.close();
      downstream.closeAllConnections();
      downstream.close();
    });

    /** The recording's hosts as they are in this run. */
    const translate = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value)
          .replaceAll(recordedDownstream, downstreamHost)
          .replaceAll(encodeURIComponent(recordedDownstream), encodeURIComponent(downstreamHost))
          .replaceAll(`127.0.0.1:${recordedPort}`, `127.0.0.1:${app.port}`),
      ) as unknown;

    for (const scenario of scenarios) {
      it(scenario.title, async () => {
        agent.clear();
        arrivals.length = 0;
        const { request: asked, spans: recorded, downstreamReceived } = translate(scenario) as Scenario;
        const response = await request(app.port, asked);
        assert.equal(response.status, scenario.response.status);
        // Another request behind it: with its span, all earlier ones have arrived.
        await request(app.port, { method: 'GET', path: '/last-of-scenario', headers: {} });
        const isLast = ({ data }: WireSpan): boolean => data.http?.url === '/last-of-scenario';
        const sent = (await agent.waitForSpans((spans) => spans.some(isLast))).filter((span) => !isLast(span));
        compare(scenario.title, asked.headers, recorded, sent as unknown as Json[]);
        compareDownstream(downstreamReceived, sent);
        compareW3c(asked.headers, downstreamReceived);
        compareResponse(scenario, response, sent);
      });
    }

    /** The same texts, with the id of our trace where the recording has that of its own. */
    function compareResponse(scenario: Scenario, response: Scenario['response'], sent: readonly WireSpan[]): void {
      const { serverTiming: timing, body } = scenario.response;
      const theirs = String(scenario.spans.find(({ n }) => n === 'node.http.server')?.['t']);
      const ours = sent.find(({ n }) => n === 'node.http.server')?.t ?? '';
      if (isArgued(scenario.title, 'Server-Timing')) assert.equal(response.serverTiming, `intid;desc=${ours}`);
      // Of an ignored request there is no span to compare with.
      else if (ours === '')
        assert.match(String(response.serverTiming), timing === undefined ? /^undefined$/ : /^intid;desc=[0-9a-f]{16}$/);
      else assert.equal(response.serverTiming, timing?.replace(theirs, ours));
      if (body !== undefined) assert.equal(response.body, body.replaceAll(theirs, ours));
    }

    function compareDownstream(expected: Scenario['downstreamReceived'], sent: readonly WireSpan[]): void {
      assert.equal(arrivals.length, expected.length);
      for (const [index, headers] of expected.entries()) {
        const arrived = arrivals[index] ?? {};
        const names = Object.keys(arrived).filter((name) => /^(x-instana|trace)/.test(name));
        assert.deepEqual(
          names.sort(),
          Object.keys(headers)
            .map((name) => name.toLowerCase())
            .sort(),
        );
        assert.equal(arrived['x-instana-l'], headers['X-INSTANA-L']);
        const exit = sent.find(({ n }) => n === 'node.http.client');
        assert.equal(arrived['x-instana-t'], exit?.t);
        assert.equal(arrived['x-instana-s'], exit?.s);
      }
    }

    /**
     * `traceparent` and `tracestate` field by field: what the recording has from the caller we have from the caller, its own ids are
     * ours, and what it draws at random is another number.
     */
    function compareW3c(given: Record<string, string>, expected: Scenario['downstreamReceived']): void {
      for (const [index, theirs] of expected.entries()) {
        const ours = arrivals[index] ?? {};
        const translated = (text: string): string =>
          text
            .replaceAll(theirs['X-INSTANA-T'] ?? 'none', String(ours['x-instana-t']))
            .replaceAll(theirs['X-INSTANA-S'] ?? 'none', String(ours['x-instana-s']));
        assert.equal(ours['tracestate'], theirs['tracestate'] && translated(theirs['tracestate']));
        const fields = String(ours['traceparent']).split('-');
        const recorded = translated(String(theirs['traceparent'])).split('-');
        assert.equal(fields.length, 4);
        for (const [place, field] of recorded.entries()) {
          const isRandom =
            theirs['X-INSTANA-L'] === '0' && field.length >= 16 && !given['traceparent']?.includes(field);
          if (!isRandom) assert.equal(fields[place], field);
          else
            assert.match(
              fields[place] ?? '',
              field.length === 32 ? /^0{16}(?!0{16})[0-9a-f]{16}$/ : /^(?!0{16})[0-9a-f]{16}$/,
            );
        }
      }
    }

    function compare(title: string, headers: Record<string, string>, recorded: Json[], sent: Json[]): void {
      assert.deepEqual(sent.map(nameOf).sort(), recorded.map(nameOf).sort());
      const ids = new Map<string, unknown>();
      for (const theirs of recorded) {
        const ours = sent.find((span) => nameOf(span) === nameOf(theirs));
        assert.ok(ours);
        const ourMembers = members(ours);
        const theirMembers = members(theirs);
        for (const path of new Set([...ourMembers.keys(), ...theirMembers.keys()])) {
          if (isArgued(title, path)) continue;
          const [mine, expected] = [ourMembers.get(path), theirMembers.get(path)];
          assert.equal(kind(mine), kind(expected), `${nameOf(theirs)}: ${path}`);
          if (!relations.has(path)) assert.deepEqual(mine, expected, `${nameOf(theirs)}: ${path}`);
        }
        compareRelations(title, ids, headers, theirs, ours);
      }
      assert.equal(new Set(ids.values()).size, ids.size);
    }

    /** The same id wherever the recording has the same, the caller's id where it has the caller's. */
    function compareRelations(
      title: string,
      ids: Map<string, unknown>,
      headers: Record<string, string>,
      theirs: Json,
      ours: Json,
    ): void {
      const given = Object.values(headers).flatMap((value) =>
        value.split(/[-=;,]/).map((id) => id.padStart(16, '0').slice(-16)),
      );
      for (const member of ['t', 's', 'p']) {
        const id = theirs[member];
        if (id === undefined) continue;
        assert.match(String(ours[member]), /^[0-9a-f]{16}$/);
        const key = String(id);
        if (!ids.has(key)) ids.set(key, ours[member]);
        assert.equal(ours[member], ids.get(key), member);
        if (given.includes(key)) assert.equal(ours[member], key, member);
      }
      assert.ok(Number.isInteger(ours['ts']) && Number.isInteger(ours['d']));
      assert.equal((ours['f'] as Json)['e'], String(app.pid)); // compared above: an object
      compareStacks(title, theirs['stack'] as Json[], ours['stack'] as Json[]);
    }

    /** Frames where the recording has frames; calls begin at the application's own line. */
    function compareStacks(title: string, theirs: readonly Json[], ours: readonly Json[]): void {
      if (theirs.length === 0) {
        if (!isArgued(title, 'stack')) assert.deepEqual(ours, []);
        return;
      }
      const [first] = ours;
      assert.ok(first !== undefined && ours.length <= mostFrames);
      assert.equal(typeof first['m'], 'string');
      if (!String(theirs[0]?.['c']).startsWith('node:') && !isArgued(title, 'first frame'))
        assert.match(String(first['c']), /recorded-\w+\.cjs$/);
      assert.ok(!String(first['c']).includes('/build/src/'), String(first['c']));
    }
  });
}
