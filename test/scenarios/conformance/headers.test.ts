// What the sensor says in headers and reads from them, in applications that handle headers themselves.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { type Arrival, type Downstream, startDownstream } from '../../support/downstream.js';
import { exchange, newTrace, type Reply } from '../../support/exchange.js';
import { type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

/** One host with the sensor, and what it can be asked. */
class Stage {
  readonly agent: SpanCollector;
  readonly downstream: Downstream;
  readonly host: HostApp;
  #asked = 0;

  constructor(agent: SpanCollector, downstream: Downstream, host: HostApp) {
    this.agent = agent;
    this.downstream = downstream;
    this.host = host;
  }

  static async start(env: Record<string, string>, loader: 'require' | 'none' = 'require'): Promise<Stage> {
    const agent = await startTestAgent();
    const downstream = await startDownstream();
    const options = { file: 'headers-app.cjs', agentPort: agent.port, downstreamUrl: downstream.url };
    const host = await runApp({ ...options, loader, env });
    if (loader !== 'none') assert.ok(await agent.waitForAnnounce(host.pid, 8000), host.stderr());
    return new Stage(agent, downstream, host);
  }

  async end(): Promise<void> {
    await this.host.stop();
    await this.downstream.close();
    await this.agent.close();
  }

  /** A path that nobody else asks for. */
  unique(path: string): string {
    this.#asked++;
    return `${path}/${this.#asked}`;
  }

  port(app: string): number {
    return this.host.ports[app] ?? 0;
  }

  ask(app: string, path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return exchange({ port: this.port(app), secure: false }, { path, headers }, null);
  }

  async spans(path: string, count: number): Promise<readonly WireSpan[]> {
    const found = (): readonly WireSpan[] => this.agent.spans().filter(({ data }) => data.http?.url?.endsWith(path));
    await this.agent.waitForSpans(() => found().length >= count, 5000);
    assert.equal(found().length, count, `spans of ${path}`);
    return found();
  }

  async entryAndExit(path: string): Promise<{ entry: WireSpan; exit: WireSpan; arrival: Arrival }> {
    const spans = await this.spans(path, 2);
    const entry = spans.find(({ k }) => k === 1);
    const exit = spans.find(({ k }) => k === 2);
    const arrival = this.downstream.arrivals.find(({ url }) => url.split('?')[0] === path);
    assert.ok(entry !== undefined && exit !== undefined && arrival !== undefined);
    return { entry, exit, arrival };
  }
}

function values({ headers }: Arrival, wanted: string): string[] {
  return headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []));
}

function context(arrival: Arrival): string[][] {
  return ['x-instana-t', 'x-instana-s', 'x-instana-l'].map((name) => values(arrival, name));
}

const { t, s } = newTrace();
const callers: Readonly<Record<string, Record<string, string>>> = {
  'no trace headers': {},
  'a trace': { 'X-INSTANA-T': t, 'X-INSTANA-S': s, 'X-INSTANA-L': '1' },
  'a long trace id in capitals': { 'X-INSTANA-T': `0123456789ABCDEF${t.toUpperCase()}`, 'X-INSTANA-S': s },
  'a trace id only': { 'X-INSTANA-T': t },
  'a page': { 'X-INSTANA-T': t, 'X-INSTANA-S': t, 'X-INSTANA-L': `1,correlationType=web;correlationId=${t}` },
  nonsense: { 'X-INSTANA-T': 'nonsense', 'X-INSTANA-S': '"><script>' },
};

describe('an application that hands the headers of its requests on', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({});
  });
  after(() => stage.end());

  const forms = ['object', 'spread', 'flat', 'raw', 'pairs', 'frozen', 'fetched', 'fetchedHeaders', 'manual'];
  for (const form of forms) {
    for (const [caller, headers] of Object.entries(callers)) {
      it(`calls in its own name: ${form}, called with ${caller}`, async () => {
        const path = stage.unique(`/${form}`);
        const { body } = await stage.ask('proxy', path, headers);
        assert.equal(body, 'status 200');
        const { entry, exit, arrival } = await stage.entryAndExit(path);
        assert.deepEqual(context(arrival), [[entry.t], [exit.s], ['1']]);
        assert.equal(exit.t, entry.t);
        if (form !== 'manual') assert.equal(exit.p, entry.s);
      });
    }
    it(`hands the level on that suppresses: ${form}`, async () => {
      const path = stage.unique(`/${form}`);
      await stage.ask('proxy', path, { 'X-INSTANA-T': t, 'X-INSTANA-S': s, 'X-INSTANA-L': '0' });
      const arrival = stage.downstream.arrivals.find(({ url }) => url === path);
      assert.ok(arrival !== undefined);
      assert.deepEqual(context(arrival), [[], [], ['0']]);
    });
  }

  it('keeps a context that it injected itself', async () => {
    const path = stage.unique('/injected');
    await stage.ask('proxy', path);
    const { entry, exit, arrival } = await stage.entryAndExit(path);
    const injected = stage.agent.spans().find(({ n, t: trace }) => n === 'sdk' && trace === entry.t);
    assert.deepEqual(context(arrival), [[entry.t], [injected?.s], ['1']]);
    assert.notEqual(injected?.s, exit.s);
  });

  it('keeps its wish that nothing be traced', async () => {
    const path = stage.unique('/quiet');
    await stage.ask('proxy', path);
    const { arrival } = await stage.entryAndExit(path);
    assert.deepEqual(context(arrival), [[], [], ['0']]);
  });

  it('keeps headers that it has signed', async () => {
    const path = stage.unique('/signed');
    await stage.ask('proxy', path);
    const { entry, arrival } = await stage.entryAndExit(path);
    assert.deepEqual(context(arrival), [[entry.t], [], []]);
  });
});

describe('captured headers', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({
      INSTANA_EXTRA_HTTP_HEADERS: 'X-Count;x-list;X-BOTH;Authorization;Set-Cookie;Cookie;x-absent;X-From-Request',
    });
  });
  after(() => stage.end());

  const given = {
    'x-both': 'from the request',
    'X-From-Request': 'yes',
    Authorization: 'Bearer hidden',
    Cookie: 'session=hidden',
  };
  const ofRequest = { 'x-from-request': 'yes', authorization: '<redacted>', cookie: '<redacted>' };
  const ofResponse = { 'x-count': '7', 'x-list': 'a, b', 'x-both': 'from the response' };

  const entries: Readonly<Record<string, Record<string, string>>> = {
    set: { ...ofRequest, ...ofResponse, 'set-cookie': '<redacted>' },
    headObject: { ...ofRequest, ...ofResponse },
    headRaw: { ...ofRequest, ...ofResponse },
    headPairs: { ...ofRequest, ...ofResponse },
    mixed: { ...ofRequest, ...ofResponse },
    none: { ...ofRequest, 'x-both': 'from the request' },
    long: { ...ofRequest, 'x-both': 'from the request', 'x-count': 'x'.repeat(4096) },
  };
  for (const [name, expected] of Object.entries(entries)) {
    it(`are those of the request, and of the response before them: ${name}`, async () => {
      const path = stage.unique(`/${name}`);
      await stage.ask('capture', path, given);
      const [entry] = await stage.spans(path, 1);
      assert.deepEqual({ ...entry?.data.http?.header }, expected);
    });
  }

  it('are joined where a request has several of one name', async () => {
    const path = stage.unique('/none');
    const lines = 'X-List: a\r\nx-list: b\r\nX-LIST:   c\r\n';
    await raw(stage.port('capture'), `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`);
    const [entry] = await stage.spans(path, 1);
    assert.deepEqual({ ...entry?.data.http?.header }, { 'x-list': 'a, b, c' });
  });

  for (const name of ['exitObject', 'exitFlat', 'exitPairs', 'exitLater', 'exitFetch']) {
    it(`are taken from calls too: ${name}`, async () => {
      const path = stage.unique(`/${name}`);
      await stage.ask('capture', path);
      const { exit } = await stage.entryAndExit(path);
      const expected = { 'x-count': '7', 'x-list': 'a, b', authorization: '<redacted>' };
      assert.deepEqual({ ...exit.data.http?.header }, expected);
    });
  }
});

describe('a request for another protocol', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({});
  });
  after(() => stage.end());

  const upgrade = (path: string, more = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: lines\r\n${more}\r\n`;

  it('H19 is one entry that ends with the handshake, and calls below it belong to it', async () => {
    const path = stage.unique('/now');
    const answer = await raw(stage.port('upgrade'), upgrade(`${path}?key=1`), 'hello');
    assert.match(answer, /^HTTP\/1\.1 101 .*\r\n\r\necho hello$/s);
    assert.doesNotMatch(answer, /server-timing/i);
    const { entry, exit, arrival } = await stage.entryAndExit(path);
    const { status, method, host, params, error } = entry.data.http ?? {};
    assert.deepEqual([status, method, host, params, error], [101, 'GET', 'a.test', 'key=<redacted>', undefined]);
    assert.deepEqual([entry.n, entry.ec, exit.p], ['node.http.server', 0, entry.s]);
    assert.deepEqual(context(arrival), [[entry.t], [exit.s], ['1']]);
  });

  const others = [
    ['bytes', 101, undefined, 0],
    ['later', 101, undefined, 0],
    ['refused', 401, undefined, 0],
    ['failed', 503, undefined, 1],
    ['dropped', undefined, 'Request aborted', 0],
  ] as const;
  for (const [name, status, error, ec] of others) {
    it(`H19 has the status that the application wrote: ${name}`, async () => {
      const path = stage.unique(`/${name}`);
      await raw(stage.port('upgrade'), upgrade(path), 'hello');
      const [entry] = await stage.spans(path, 1);
      assert.deepEqual([entry?.data.http?.status, entry?.data.http?.error, entry?.ec], [status, error, ec]);
      if (name === 'later') assert.ok((entry?.d ?? 0) >= 50, `lasted ${entry?.d} ms`);
    });
  }

  it('H19 continues the trace of its caller, and is left out when that is suppressed', async () => {
    const path = stage.unique('/bytes');
    await raw(stage.port('upgrade'), upgrade(path, `X-INSTANA-T: ${t}\r\nX-INSTANA-S: ${s}\r\n`), 'hello');
    const [entry] = await stage.spans(path, 1);
    assert.deepEqual([entry?.t, entry?.p], [t, s]);
    const suppressed = stage.unique('/bytes');
    await raw(stage.port('upgrade'), upgrade(suppressed, 'X-INSTANA-L: 0\r\n'), 'hello');
    const behind = stage.unique('/bytes');
    await raw(stage.port('upgrade'), upgrade(behind), 'hello');
    await stage.spans(behind, 1);
    await stage.spans(suppressed, 0);
  });

  it('H19 leaves nothing on the connection', async () => {
    const bare = await Stage.start({}, 'none');
    try {
      const [ours, theirs] = await Promise.all(
        [stage, bare].map(({ host }) => raw(host.ports['upgrade'] ?? 0, upgrade('/visible'), 'hello')),
      );
      assert.equal(ours, theirs);
    } finally {
      await bare.end();
    }
  });
});

for (const bootstrap of ['all', 'runtime']) {
  describe(`wrapped servers, with INSTANA_BOOTSTRAP=${bootstrap}`, () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.start({ INSTANA_BOOTSTRAP: bootstrap });
    });
    after(() => stage.end());

    for (const way of ['listener', 'middleware']) {
      it(`say their trace once, and show it to templates: ${way}`, async () => {
        for (const [path, others] of [
          ['/plain', []],
          [
            '/raw',
            [
              ['Set-Cookie', 'a=1'],
              ['Set-Cookie', 'b=2'],
            ],
          ],
          ['/timing', []],
        ] as const) {
          const unique = stage.unique(path);
          const { body, headers } = await stage.ask(`byHand.${way}`, unique);
          const [entry] = await stage.spans(unique, 1);
          const timing = headers.filter(([name]) => name.toLowerCase() === 'server-timing').map(([, value]) => value);
          assert.deepEqual(timing, [`${path === '/timing' ? 'app;dur=3, ' : ''}intid;desc=${entry?.t}`]);
          assert.deepEqual(
            headers.filter(([name]) => name === 'Set-Cookie'),
            others,
          );
          const [shown, rawCount, distinct] = JSON.parse(body) as [string, number, string[]];
          assert.equal(shown, entry?.t);
          assert.equal(rawCount, 2 * distinct.length);
          assert.ok(!distinct.includes('x-instana-t'));
        }
      });
    }

    it('show the trace of a traceparent', async () => {
      const traceparent = `00-0af7651916cd43dd${t}-${s}-01`;
      const { body, headers } = await stage.ask('byHand.listener', stage.unique('/plain'), { traceparent });
      assert.equal((JSON.parse(body) as unknown[])[0], t);
      assert.ok(headers.some(([name, value]) => name === 'Server-Timing' && value === `intid;desc=${t}`));
    });

    it('leave a trace id alone that the caller sent, whatever it is', async () => {
      const { body } = await stage.ask('byHand.listener', stage.unique('/plain'), { 'X-INSTANA-T': 'nonsense' });
      assert.equal((JSON.parse(body) as unknown[])[0], 'nonsense');
      const suppressed = await stage.ask('byHand.listener', stage.unique('/plain'), { 'X-INSTANA-L': '0' });
      assert.equal((JSON.parse(suppressed.body) as unknown[])[0], null);
      assert.doesNotMatch(JSON.stringify(suppressed.headers), /server-timing/i);
    });
  });
}

/** Sends bytes, then more when something has come; all that came until the end. */
function raw(port: number, first: string, then = ''): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(first));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      if (text === '' && then !== '') socket.write(then);
      text += chunk;
    });
    socket.setTimeout(4000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}
