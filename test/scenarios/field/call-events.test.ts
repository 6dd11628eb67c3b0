// Listeners of a call make further calls. Each has to appear below the request that made the call, whichever request opened the connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { becomesTrue } from '../../support/agent/wait-until.js';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

interface Mark {
  readonly name: string;
  readonly event: string;
  readonly parent: string | undefined;
  readonly level: string | undefined;
}

/** What the application calls: remembers the marks. */
class Downstream {
  readonly marks: Mark[] = [];
  readonly #server: http.Server = http.createServer((request, response) => {
    const [, kind, name = '', event = ''] = (request.url ?? '').split('/');
    if (kind === 'mark') {
      const { 'x-instana-s': parent, 'x-instana-l': level } = request.headers as Record<string, string | undefined>;
      this.marks.push({ name, event, parent, level });
      response.end();
    } else if (kind === 'cut') {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => setTimeout(() => response.destroy(), 50));
    } else if (kind === 'reset') {
      setTimeout(() => request.socket.destroy(), 50);
    } else if (kind === 'hints') {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('body');
    } else if (kind === 'slow') {
      setTimeout(() => response.end('body'), 150);
    } else if (kind !== 'hang') {
      response.end('body');
    }
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // a TCP server has this form
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

interface Case {
  readonly title: string;
  /** Paths of the application, requested one after the other, or at once. The last one is the request whose events are looked at. */
  readonly paths: readonly string[];
  readonly atOnce?: boolean;
  /** The name of its marks, and the events that have to occur. */
  readonly name: string;
  readonly events: readonly string[];
}

const cases: readonly Case[] = [
  {
    title: 'a timeout on a reused connection',
    paths: ['/call/reused-1/a1', '/call/reused-1/a2/hang'],
    name: 'a2',
    events: ['request-socket', 'request-finish', 'request-timeout', 'request-error', 'request-close'],
  },
  {
    title: 'a timeout of the call on a reused connection',
    paths: ['/call/waiting-1/b1', '/setTimeout/waiting-1/b2/hang'],
    name: 'b2',
    events: ['callback', 'request-timeout', 'request-error', 'request-close'],
  },
  {
    title: 'a response on a reused connection',
    paths: ['/call/waiting-2/c1', '/call/waiting-2/c2/body'],
    name: 'c2',
    events: ['request-finish', 'request-response', 'response-data', 'response-end', 'response-close', 'request-close'],
  },
  {
    title: 'a response that is cut off on a reused connection',
    paths: ['/call/waiting-3/d1', '/call/waiting-3/d2/cut'],
    name: 'd2',
    events: ['request-response', 'response-aborted', 'response-error', 'response-close', 'request-close'],
  },
  {
    title: 'a reused connection that the other side resets',
    paths: ['/call/waiting-4/e1', '/call/waiting-4/e2/reset'],
    name: 'e2',
    events: ['request-error', 'request-close'],
  },
  {
    title: 'a call that waited for the connection of another request',
    paths: ['/call/waiting-5/f1/slow', '/call/waiting-5/f2/body'],
    atOnce: true,
    name: 'f2',
    events: ['request-socket', 'request-finish', 'request-response', 'response-data', 'response-end', 'request-close'],
  },
  {
    title: 'a call that waited until a connection was free for a new one',
    paths: ['/call/renewed-1/g1/slow', '/call/renewed-1/g2/body'],
    atOnce: true,
    name: 'g2',
    events: ['request-socket', 'request-finish', 'request-response', 'response-data', 'response-end', 'request-close'],
  },
  {
    title: 'a call that another request aborts',
    paths: ['/abortable/fresh-1/h1/hang', '/abort/fresh-1/h2'],
    atOnce: true,
    name: 'h1',
    events: ['request-error', 'request-close'],
  },
  {
    title: 'early hints on a reused connection',
    paths: ['/call/waiting-6/i1', '/call/waiting-6/i2/hints'],
    name: 'i2',
    events: ['request-information', 'request-response', 'response-end'],
  },
  {
    title: 'a call on a new connection',
    paths: ['/call/fresh-2/j1'],
    name: 'j1',
    events: ['request-socket', 'request-finish', 'request-response', 'response-data', 'response-end', 'request-close'],
  },
];

for (const version of nodeVersions) {
  const { title: nodeTitle, skip } = version;
  describe(`listeners on ${nodeTitle} run in the context of their own request:`, { skip }, () => {
    const downstream = new Downstream();
    let app: TracedApp | null = null;

    before(async () => {
      if (skip !== false) return;
      const downstreamUrl = await downstream.start();
      const options = { file: 'field/call-events.cjs', loader: 'require', downstreamUrl } as const;
      app = await TracedApp.start(options, version);
    });
    after(async () => {
      await app?.stop();
      downstream.stop();
    });

    /** The marks of a name, once all these events have occurred. */
    async function marksOf(name: string, events: readonly string[]): Promise<readonly Mark[]> {
      const found = (): readonly Mark[] => downstream.marks.filter((mark) => mark.name === name);
      await becomesTrue(() => events.every((event) => found().some((mark) => mark.event === event)), 5000);
      const seen = found().map(({ event }) => event);
      for (const event of events) assert.ok(seen.includes(event), `${event} of ${seen}`);
      return found();
    }

    for (const { title, paths, atOnce, name, events } of cases) {
      it(title, async () => {
        const running = app ?? assert.fail();
        const requests: Promise<unknown>[] = [];
        for (const path of paths) {
          const request = running.get(path);
          requests.push(request);
          if (atOnce === true) await new Promise((resolve) => setTimeout(resolve, 50));
          else await request;
        }
        await Promise.all(requests);
        const marks = await marksOf(name, events);
        const isMark = ({ data }: WireSpan): boolean => data.http?.url?.includes(`/mark/${name}/`) === true;
        const spans = await running.spans(
          (all) => all.filter(isMark).length >= marks.length && all.some((span) => isEntryOf(span, paths, name)),
        );
        const entry = spans.find((span) => isEntryOf(span, paths, name)) ?? assert.fail('no entry');
        for (const mark of spans.filter(isMark)) assert.equal(mark.p, entry.s, mark.data.http?.url);
        assert.equal(spans.filter(isMark).length, marks.length);
      });
    }

    it('a request that is not traced, on the connection of one that is', async () => {
      const running = app ?? assert.fail();
      await running.get('/call/reused-2/k1');
      await running.get('/call/reused-2/k2/hang', { 'X-INSTANA-L': '0' });
      const marks = await marksOf('k2', ['request-timeout', 'request-error', 'request-close']);
      for (const { event, parent, level } of marks) assert.deepEqual([parent, level], [undefined, '0'], event);
    });

    it('a traced request on the connection of one that is not', async () => {
      const running = app ?? assert.fail();
      await running.get('/call/reused-3/l1', { 'X-INSTANA-L': '0' });
      await running.get('/call/reused-3/l2/hang');
      const marks = await marksOf('l2', ['request-timeout', 'request-error', 'request-close']);
      for (const { event, parent, level } of marks) {
        assert.notEqual(parent, undefined, event);
        assert.equal(level, '1', event);
      }
    });

    it('a call outside any request, on the connection of one', async () => {
      const running = app ?? assert.fail();
      await running.get('/call/reused-background/m1');
      const marks = await marksOf('background', ['request-timeout', 'request-error', 'request-close']);
      for (const { event, parent, level } of marks) assert.deepEqual([parent, level], [undefined, undefined], event);
    });
  });
}

function isEntryOf({ k, data }: WireSpan, paths: readonly string[], name: string): boolean {
  const path = paths.find((one) => one.split('/')[3] === name);
  return k === 1 && data.http?.url === path;
}
