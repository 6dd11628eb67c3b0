// Cases H: what holds for every HTTP request, with or without a framework.
import { type Case, type Step, step, type Target } from './case.js';

const plain = (target: Target): boolean => target.framework === 'http' || target.framework === 'https';
const expressOrKoa = (target: Target): boolean => !plain(target);
const aborted = { error: 'Request aborted', ec: 0 } as const;

/** Frameworks serve some cases from a route, Node's own servers never do. */
const onRoute = (target: Target, tpl: string): { tpl?: string } => (plain(target) ? {} : { tpl });

const raw = (head: string): NonNullable<Step['raw']> => {
  return (traceLines) => Buffer.from(`${head}\r\nConnection: close\r\n${traceLines}\r\n`, 'latin1');
};

const listeningWays = (target: Target): string[] => {
  const all = [
    'createServer',
    'on',
    'addListener',
    'constructor',
    'subclass',
    'overriddenEmit',
    'forwardedEvent',
    'proxy',
    'twoListeners',
  ];
  return target.framework === 'http' ? [...all, 'unprefixed', 'calledAsFunction', 'connectionEvent'] : all;
};

export const httpCases: readonly Case[] = [
  {
    id: 'H1',
    title: 'lasts until the last byte is handed over',
    steps: [
      step('/h1', { minDurationMs: 70, replyBody: 'first last', minSpreadMs: 40 }),
      step('/h1?x=1&y', { params: 'x=1&y' }),
      step('/h1/without-trace-headers', { bare: true }),
    ],
  },
  {
    id: 'H2',
    title: 'sees one request however the server got its listener',
    on: plain,
    steps: (target) => listeningWays(target).map((to) => step(`/h2/${to}`, { to, replyBody: 'hello' })),
  },
  {
    id: 'H2esm',
    title: 'sees servers made from imports by name and as default',
    on: ({ framework, loader }) => framework === 'http' && loader === 'import',
    steps: ['named', 'default', 'constructor'].map((to) => step(`/esm/${to}`, { to, replyBody: 'hello' })),
  },
  {
    id: 'H3',
    title: 'keeps the path as it arrived when the app rewrites it, and redacts the query',
    // Where Express mounts something that answers under the rewritten path, decision 3 gives the template of that mount.
    steps: (target) => [
      step('/a/b?key=value&x=1', {
        params: 'key=<redacted>&x=1',
        replyBody: '/a/b?key=value&x=1',
        ...(target.framework === 'express' ? { tpl: '/a/rewritten' } : {}),
      }),
    ],
  },
  {
    id: 'H4',
    title: 'bears targets of every form',
    // What is asked of the recorded path: no query, no credentials, no throw. Node answers non-ASCII bytes itself.
    steps: [
      step('OPTIONS *', { raw: raw('OPTIONS * HTTP/1.1\r\nHost: a.test'), url: '*', host: 'a.test' }),
      step('http://user:pw@a.test/abs?secret=1', {
        raw: raw('GET http://user:pw@a.test/abs?secret=1 HTTP/1.1\r\nHost: a.test'),
        url: /^(?!.*(pw|\?)).*\/abs$/,
        params: 'secret=<redacted>',
        host: 'a.test',
      }),
      step('//double//slash', { url: '//double//slash' }),
      step('/%E2%82%AC/%zz/%00', { url: '/%E2%82%AC/%zz/%00' }),
      step('/caf\u00e9', { raw: raw('GET /caf\u00e9 HTTP/1.1\r\nHost: a.test'), status: 400, entries: 0 }),
      step(`/${'x'.repeat(15_000)}`, { url: /^\/x+/ }),
      step('/empty-host', { raw: raw('GET /empty-host HTTP/1.1\r\nHost:') }),
      step('/no-host', { raw: raw('GET /no-host HTTP/1.0') }),
      step('/?', {}),
      step('/#fragment', { url: /^\/(#fragment)?$/ }),
    ],
  },
  {
    id: 'H5',
    title: 'records HEAD like the GET it stands for',
    steps: (target) => [step('HEAD /h/1', { replyBody: '', ...onRoute(target, '/h/:id') })],
  },
  {
    id: 'H6',
    title: 'gives an automatic answer to OPTIONS the template of its path',
    on: expressOrKoa,
    steps: (target) =>
      target.framework === 'koa'
        ? [step('OPTIONS /o/1', { tpl: '/o/:id' }), step('OPTIONS /p/1', { tpl: '/p/:id' })]
        : [
            step('OPTIONS /o/1', { tpl: '/o/:id', replyBody: target.major === 4 ? 'GET,HEAD' : 'GET, HEAD' }),
            step('OPTIONS /in/o/1', { tpl: '/in/o/:id' }),
            step('OPTIONS /in/p/1', { tpl: '/in/p/:id' }),
          ],
  },
  {
    id: 'H7',
    title: 'counts no error for statuses below 500',
    // A route that answers 404 itself produced the response (decision 1): it keeps its template.
    steps: (target) => {
      const answered = [400, 401, 404, 418, 499].map((status) =>
        step(plain(target) ? `/${status}` : `/s/${status}`, { status, ...onRoute(target, '/s/:status') }),
      );
      return plain(target) ? answered : [...answered, step('/nothing/here', { status: 404 })];
    },
  },
  {
    id: 'H8',
    title: 'counts an error for statuses from 500 on',
    steps: (target) =>
      [500, 501, 503, 599].map((status) =>
        step(plain(target) ? `/${status}` : `/s/${status}`, { status, ...onRoute(target, '/s/:status') }),
      ),
  },
  {
    id: 'H9',
    title: 'marks a request as aborted when the client leaves before the headers, whatever is sent later',
    steps: (target) => [
      step('/slow/1', { abort: 'waiting', status: null, ...aborted, ...onRoute(target, '/slow/:id') }),
    ],
  },
  {
    id: 'H10',
    title: 'keeps the status and marks the request as aborted when the client leaves in the middle of the body',
    steps: (target) => [step('/stream/1', { abort: 'reading', ...aborted, ...onRoute(target, '/stream/:id') })],
  },
  {
    id: 'H10whole',
    title: 'does not call a request aborted when the client leaves with the whole body, before the app ends it',
    // By its Content-Length the response is complete: files served from disk often end like this.
    steps: [step('/whole', { headers: { Connection: 'close' }, replyBody: 'hello' })],
  },
  {
    id: 'H11',
    title: 'records that the server cut the connection',
    // An error handed to `res.destroy` says more than that the request was aborted: either text will do.
    steps: ['socket', 'request', 'response'].map((end) =>
      step(`/${end}`, { status: null, error: ['Request aborted', 'Error: boom'], ec: 0 }),
    ),
  },
  {
    id: 'H13',
    title: 'bears the time limits of the server',
    on: plain,
    steps: [
      // No request event: Node answers 408 by itself.
      step('/headers', { to: 'headers', raw: () => 'GET /headers HTTP/1.1\r\nHost: a', status: 408, entries: 0 }),
      step('POST /request', {
        to: 'request',
        raw: (lines) => `POST /request HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n${lines}\r\nhalf`,
        status: 408,
        // Node writes this 408 past the response object; whether its status can be known is left open.
        spanStatus: [408, undefined],
        error: ['Request aborted', /ECONNRESET|aborted/, undefined],
      }),
      step('/idle', { to: 'idle', status: null, ...aborted }),
      step('/app', { to: 'app', status: 408 }),
    ],
  },
  {
    id: 'H14',
    title: 'ends a stream at its end and holds nothing back',
    steps: [
      step('/events', { minDurationMs: 280, minSpreadMs: 150 }),
      step('/hints', { replyBody: 'hinted' }),
      step('/trailers', { replyBody: 'body' }),
      step('/flush', { minDurationMs: 140, replyBody: 'flushed' }),
    ],
  },
  {
    id: 'H15',
    title: 'ends although the body of the request is never read',
    // The client may be cut off while it still writes: its own error is not the same twice.
    steps: [
      step('POST /large', { body: Buffer.alloc(300_000), comparable: false }),
      step('POST /small', { body: 'small', replyBody: 'not read' }),
    ],
  },
  {
    id: 'H16',
    title: 'keeps 100 requests on one socket apart',
    steps: [
      step('/h16/{i}', { repeat: { count: 100, together: false } }),
      step('/h16/call/{i}', { repeat: { count: 20, together: false }, exits: ['/echo/h16/call/{i}'] }),
      step('/h16/after/{i}', { repeat: { count: 20, together: false }, bare: true }),
    ],
  },
  {
    id: 'H18',
    title: 'keeps 200 requests at once apart, each with a call of its own',
    steps: [step('/h18/{i}', { repeat: { count: 200, together: true }, exits: ['/echo/h18/{i}'] })],
  },
  {
    id: 'H30',
    title: 'records the Host header as received, whoever forwarded the request',
    steps: (target) => {
      const headers = {
        Host: 'shop.test',
        'X-Forwarded-For': '203.0.113.9',
        'X-Forwarded-Host': 'spoofed.test',
        'X-Forwarded-Proto': 'https',
        Forwarded: 'for=203.0.113.9;host=spoofed.test',
      };
      if (plain(target)) return [step('/ip', { headers, replyBody: '["shop.test","203.0.113.9"]' })];
      const tpl = target.framework === 'express' ? { tpl: '/ip' } : {};
      return [
        step('/ip', { to: 'trusting', headers, replyBody: /203\.0\.113\.9/, ...tpl }),
        step('/ip', { to: 'distrusting', headers, replyBody: /^(?!.*203\.0\.113\.9)/, ...tpl }),
      ];
    },
  },
  {
    id: 'H32',
    title: 'serves files with their own status',
    on: expressOrKoa,
    // A mount path counts when what is mounted there answered (decision 3); koa-mount is no router and has no template.
    steps: ({ framework }) => {
      const mounted = framework === 'express' ? { tpl: '/files' } : {};
      const ranges = { headers: { Range: 'bytes=0-3' }, status: 206, replyBody: 'A fi' };
      const steps = [
        step('/file.txt', { replyBody: /served as it stands/ }),
        step('/files/file.txt', mounted),
        step('HEAD /file.txt', { replyBody: '' }),
        step('/files/absent.txt', { status: 404 }),
      ];
      if (framework === 'koa') return steps;
      return [
        ...steps,
        step('/file.txt', ranges),
        step('/files/file.txt', { headers: { 'If-None-Match': '*' }, status: 304, ...mounted }),
        step('/sent/file.txt', { tpl: '/sent/:name' }),
        step('/sent/file.txt', { ...ranges, tpl: '/sent/:name' }),
        step('/sent/absent.txt', { status: 404, tpl: '/sent/:name', error: /^Error: ENOENT/ }),
      ];
    },
  },
  {
    id: 'H20',
    title: 'sees a request that the app takes by its Expect header',
    on: plain,
    steps: [
      step('POST /continue', { to: 'own', headers: { Expect: '100-continue' }, body: 'body', replyBody: 'continued' }),
      step('/expect', { to: 'own', headers: { Expect: 'miracles' }, status: 417 }),
      step('POST /forward', { to: 'forwarding', headers: { Expect: '100-continue' }, body: 'body' }),
    ],
  },
  {
    id: 'X',
    title: 'makes calls of http and of fetch children of the request',
    steps: [step('/x', { exits: ['/echo/fetch/x', '/echo/request/x'] })],
  },
];
