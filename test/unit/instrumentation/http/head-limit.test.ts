// Forwarded text in the head of calls: what is left out, and what real servers with a limit receive.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fetchClient } from '../../../../src/instrumentation/http/fetch.js';
import { fitIntoHead, forwardsMuch } from '../../../../src/instrumentation/http/head-limit.js';
import { httpClient } from '../../../../src/instrumentation/http/http-client.js';
import { Loader } from '../../../../src/instrumentation/loader.js';
import { W3cContext } from '../../../../src/propagation/w3c-context.js';
import { Suppressed } from '../../../../src/spans/active-span.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

const traceId = '8448eb211c80319c';
const spanId = '00f067aa0ba902b7';
const limit = 8192;
const target = { method: 'GET', path: '/', origin: 'http://a' };
/** The bytes of a head for this target without headers of the application and ours. */
const emptyHead = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n'.length;

/** A list of so many characters. */
function list(first: string, length: number): string {
  return `${first}=${'x'.repeat(length - first.length - 1)}`;
}

function kept(added: readonly string[], pad: number, of: object = target): string[] {
  const fitting = fitIntoHead(added, [['x', 'y'.repeat(pad)]], of);
  return fitting.filter((_text, index) => index % 2 === 0);
}

describe('forwarded headers', () => {
  const tracestate = `in=1;2,${list('a', 1000)}`;
  const baggage = list('k', 1000);
  const added = ['X-INSTANA-L', '1', 'tracestate', tracestate, 'baggage', baggage];
  const length = added.join('').length + 3 * 4;
  /** The longest value of the application's header with which all of `added` fits. */
  const room = limit - emptyHead - length - 'x: \r\n'.length;

  it('are sent if the head has 8,192 bytes, and without baggage if it has more', () => {
    assert.deepEqual(kept(added, room), ['X-INSTANA-L', 'tracestate', 'baggage']);
    assert.deepEqual(kept(added, room + 1), ['X-INSTANA-L', 'tracestate']);
  });

  it('are sent without the members of other vendors if that is not enough', () => {
    const withoutBaggage = room + 'baggage: \r\n'.length + baggage.length;
    assert.equal(fitIntoHead(added, [['x', 'y'.repeat(withoutBaggage)]], target)[3], tracestate);
    const rest = fitIntoHead(added, [['x', 'y'.repeat(withoutBaggage + 1)]], target);
    assert.deepEqual(rest, ['X-INSTANA-L', '1', 'tracestate', 'in=1;2']);
    assert.deepEqual(kept(['X-INSTANA-L', '0', 'tracestate', list('a', 1000)], limit), ['X-INSTANA-L']);
  });

  it('lose as many members at their end as are too many', () => {
    const members = ['a', 'b', 'c', 'd'].map((key) => list(key, 500));
    const all = ['X-INSTANA-L', '1', 'tracestate', `in=1;2,${members.join()}`, 'baggage', members.join(' , ')];
    const fits = limit - emptyHead - 'x: \r\n'.length - all.join('').length - 3 * 4;
    const sent = (excess: number): readonly string[] =>
      fitIntoHead(all, [['x', 'y'.repeat(fits + excess)]], target).filter((_text, index) => index % 2 === 1);
    const baggage = (count: number): string => members.slice(0, count).join(' , ');
    const tracestate = (count: number): string => ['in=1;2', ...members.slice(0, count)].join();
    assert.deepEqual(sent(0), ['1', tracestate(4), baggage(4)]);
    assert.deepEqual(sent(1), ['1', tracestate(4), baggage(3)]);
    assert.deepEqual(sent(600), ['1', tracestate(4), baggage(2)]);
    assert.deepEqual(sent(1600), ['1', tracestate(4)]);
    assert.deepEqual(sent(2030), ['1', tracestate(3)]);
    assert.deepEqual(sent(3000), ['1', tracestate(2)]);
    assert.deepEqual(sent(9000), ['1', 'in=1;2']);
  });

  it('keep the member of Instana where others precede it', () => {
    const state = `${list('a', 500)}, in=1;2,${list('b', 500)}`;
    const sent = (pad: number): readonly string[] =>
      fitIntoHead(['X-INSTANA-L', '0', 'tracestate', state], [['x', 'y'.repeat(pad)]], target);
    assert.deepEqual(sent(7500), ['X-INSTANA-L', '0', 'tracestate', `${list('a', 500)}, in=1;2`]);
    assert.deepEqual(sent(7900), ['X-INSTANA-L', '0', 'tracestate', 'in=1;2']);
  });

  it('are measured with all that the head has', () => {
    for (const of of [
      { ...target, method: 'POST' },
      { ...target, path: '/b' },
      { ...target, origin: 'https://aa' },
      { ...target, origin: 'http://<redacted>:<redacted>@aa' },
      { ...target, credentialsLength: 1 },
    ])
      assert.deepEqual(kept(added, room, of), ['X-INSTANA-L', 'tracestate']);
    const of = { ...target, origin: 'http://<redacted>:<redacted>@a' };
    assert.deepEqual(kept(added, room, of), ['X-INSTANA-L', 'tracestate', 'baggage']);
    assert.deepEqual(kept(added, room - 1 - 28, { ...of, method: 'POST' }), ['X-INSTANA-L', 'tracestate', 'baggage']);
  });

  it('are measured with a Host of the application, arrays and numbers', () => {
    const value = 'y'.repeat(room - 'Z: \r\n'.length - 1);
    const pairs = (name: string, last: unknown): [unknown, unknown][] => [
      ['x', value],
      [name, last],
    ];
    assert.equal(fitIntoHead(added, pairs('Z', 7), target), added);
    assert.notEqual(fitIntoHead(added, pairs('Z', 77), target), added);
    assert.notEqual(fitIntoHead(added, pairs('Z', ['', '']), target), added);
    assert.equal(
      fitIntoHead(
        added,
        [
          ['x', 'y'.repeat(room)],
          ['host', 'a'],
        ],
        target,
      ),
      added,
    );
  });

  it('do not call objects of the application', () => {
    const value = { toString: () => assert.fail('called') };
    assert.equal(fitIntoHead(added, [['x', value], ['y', [value]], 7 as never], target), added);
  });

  it('are not measured if they are short', () => {
    const short = ['X-INSTANA-L', '1', 'tracestate', 'in=1;2', 'baggage', 'a=1'];
    assert.deepEqual([forwardsMuch(short), forwardsMuch(added), forwardsMuch([])], [false, true, false]);
    assert.equal(fitIntoHead(short, [['x', 'y'.repeat(limit)]], target), short);
  });
});

describe('the head of a call', () => {
  const box = new ToolBox();
  const servers: http.Server[] = [];
  const arrivals: { readonly length: number; readonly headers: http.IncomingHttpHeaders }[] = [];
  const bases = { '8 kB': '', 'the default': '' };
  const loader = new Loader({
    context: box.tools,
    instrumentations: [httpClient],
    channels: [fetchClient],
    known: [httpClient, fetchClient],
  });

  before(async () => {
    for (const [name, options] of [
      ['8 kB', { maxHeaderSize: limit }],
      ['the default', {}],
    ] as const) {
      const server = http.createServer(options, (req, res) => {
        let length = `${req.method} ${req.url} HTTP/1.1\r\n\r\n`.length;
        for (const text of req.rawHeaders) length += text.length + 2;
        arrivals.push({ length, headers: req.headers });
        res.end();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      bases[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has this form
      servers.push(server);
    }
    loader.start();
  });
  after(() => {
    loader.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    assert.deepEqual(box.faults.counts(), {});
  });

  /** What a request has received from its caller: a `tracestate` and a `baggage` of so many characters. */
  function context(tracestate: number, baggage: number): W3cContext {
    const w3c = new W3cContext(`${'0'.repeat(16)}${traceId}`, spanId, 1);
    w3c.otherMembers = tracestate === 0 ? '' : list('congo', tracestate);
    w3c.tracestate = `in=${traceId};${spanId},${w3c.otherMembers}`;
    w3c.baggage = baggage === 0 ? '' : list('user', baggage);
    return w3c;
  }

  type Send = (base: string, headers: Record<string, string>) => Promise<number | undefined>;

  async function status(request: http.ClientRequest): Promise<number | undefined> {
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  const ways: Readonly<Record<string, Send>> = {
    'an object': (base, headers) => status(http.request(`${base}/a?b=1`, { headers })),
    'a flat list': (base, headers) =>
      status(http.request(base, { method: 'POST', headers: Object.entries({ ...headers, host: 'a' }).flat() })),
    pairs: (base, headers) =>
      // As Node.js takes them.
      status(
        http.request(base, {
          headers: Object.entries({ ...headers, host: 'a' }) as unknown as http.OutgoingHttpHeaders,
        }),
      ),
    credentials: (base, headers) => status(http.request(base.replace('//', '//user:password@'), { headers })),
    fetch: async (base, headers) => {
      const response = await fetch(base, { headers });
      await response.text();
      return response.status;
    },
  };

  /** Sends a call, and returns its status and how it arrived; nothing arrives if the server refuses it. */
  async function sent(
    way: string,
    w3c: W3cContext,
    pad: number,
    { isSuppressed = false, server = '8 kB' as keyof typeof bases, headers = {} } = {},
  ): Promise<{ code: number | undefined; length: number; headers: http.IncomingHttpHeaders }> {
    const span = new SpanRecord(
      'node.http.server',
      1,
      traceId,
      spanId,
      null,
      null,
      0,
      0,
      new HttpAttributes('GET', '/', null),
    );
    span.w3c = w3c;
    arrivals.length = 0;
    const own = { 'x-pad': 'y'.repeat(pad), ...headers };
    const code = await box.scope.apply(
      isSuppressed ? new Suppressed(w3c) : span,
      () => ways[way]?.(bases[server], own),
      undefined,
      [],
    );
    const arrival = arrivals[0] ?? { length: 0, headers: {} };
    if (code === 200) assert.equal(arrival.headers['x-pad']?.length, pad);
    return { code, ...arrival };
  }

  const ownMember = /^in=8448eb211c80319c;[0-9a-f]{16}$/;

  for (const way of Object.keys(ways)) {
    it(`is accepted with much forwarded text, and keeps what fits: ${way}`, async () => {
      const small = await sent(way, context(400, 6000), 100);
      assert.deepEqual([small.code, small.headers['baggage']?.length], [200, 6000]);
      const withoutBaggage = await sent(way, context(400, 8000), 100);
      assert.deepEqual([withoutBaggage.code, withoutBaggage.headers['baggage']], [200, undefined]);
      assert.match(String(withoutBaggage.headers['tracestate']), /^in=[^,]*,congo=x{394}$/);
      const withoutBoth = await sent(way, context(4000, 8000), 4000);
      assert.deepEqual([withoutBoth.code, withoutBoth.headers['baggage']], [200, undefined]);
      assert.match(String(withoutBoth.headers['tracestate']), ownMember);
      assert.deepEqual([withoutBoth.headers['x-instana-t'], withoutBoth.headers['x-instana-l']], [traceId, '1']);
      assert.ok(withoutBoth.headers['traceparent']);
    });

    it(`of a suppressed request is accepted as well: ${way}`, async () => {
      const { code, headers } = await sent(way, context(4000, 8000), 4000, { isSuppressed: true });
      assert.deepEqual([code, headers['baggage'], headers['x-instana-l']], [200, undefined, '0']);
      assert.equal(headers['tracestate'], `in=${traceId};${spanId}`);
    });

    it(`without forwarded text is as long as the application made it: ${way}`, async () => {
      const { code, length, headers } = await sent(way, context(2000, 2000), 9000, { server: 'the default' });
      assert.deepEqual([code, headers['baggage']], [200, undefined]);
      assert.match(String(headers['tracestate']), ownMember);
      assert.ok(length > limit);
    });
  }

  for (const way of ['an object', 'fetch']) {
    it(`may have exactly 8,192 bytes: ${way}`, async () => {
      const { length } = await sent(way, context(400, 3000), 0, { server: 'the default' });
      const full = await sent(way, context(400, 3000), limit - length, { server: 'the default' });
      assert.deepEqual([full.length, full.headers['baggage']?.length], [limit, 3000]);
      const over = await sent(way, context(400, 3000), limit - length + 1, { server: 'the default' });
      assert.equal(over.headers['baggage'], undefined);
    });
  }

  it('keeps baggage and tracestate that the application set', async () => {
    const headers = { baggage: list('own', 5000), tracestate: list('own', 3000) };
    const { headers: arrived } = await sent('an object', context(400, 3000), 0, { server: 'the default', headers });
    assert.deepEqual([arrived['baggage'], arrived['tracestate']], [headers.baggage, headers.tracestate]);
  });
});
