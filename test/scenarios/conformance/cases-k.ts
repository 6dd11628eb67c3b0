// Cases K: Koa 2 and 3 with every router.
import { type Case, type Step, step, type Target } from './case.js';

const routerMajor = ({ router }: Target): number => router?.major ?? 0;
const json = { 'Content-Type': 'application/json' };

/** With `throw: true` the router throws: the error is recorded, the status decides. */
const throwing: readonly Step[] = [
  step('DELETE /am/1', {
    to: 'throwing',
    status: 405,
    tpl: '/am/:id',
    error: 'MethodNotAllowedError: Method Not Allowed',
  }),
  step('PROPFIND /am/1', {
    to: 'throwing',
    status: 501,
    tpl: '/am/:id',
    error: 'NotImplementedError: Not Implemented',
  }),
  step('OPTIONS /am/1', { to: 'throwing', tpl: '/am/:id' }),
  step('HEAD /am/1', { to: 'throwing', tpl: '/am/:id' }),
];

export const koaCases: readonly Case[] = [
  { id: 'K1', title: 'gives no template without a router', steps: [step('/any/thing', { replyBody: 'hello' })] },
  {
    id: 'K2',
    title: 'names plain and named routes, and the alternative of a list that matched',
    steps: [
      step('/route/1', { tpl: '/route/:id' }),
      step('/named/1', { tpl: '/named/:id' }),
      step('/a', { tpl: '/a' }),
      step('/b/1', { tpl: '/b/:x' }),
      step('/link/1', { tpl: '/link/:id', replyBody: '/named/7' }),
    ],
  },
  {
    id: 'K3',
    title: 'joins nested routers, parameters of the mount path as they are written',
    steps: [
      step('/f/1/d/2', { tpl: '/f/:fid/d/:did', replyBody: '{"fid":"1","did":"2"}' }),
      step('/deep/1/middle/2/leaf/3', { tpl: '/deep/:p/middle/:m/leaf/:l' }),
    ],
  },
  {
    id: 'K4',
    title: 'ignores a middleware that a nested router uses after its routes',
    steps: [step('/f/1/d/2', { tpl: '/f/:fid/d/:did' })],
  },
  {
    id: 'K5',
    title: 'names the first of two overlapping routes when that one answered',
    steps: [
      step('/users/me', { tpl: '/users/me', replyBody: 'me' }),
      step('/users/7', { tpl: '/users/:id', replyBody: 'user' }),
      step('/v/me', { tpl: '/v/:id', replyBody: 'param first' }),
    ],
  },
  {
    id: 'K6',
    title: 'names the route that answered when another handed on to it',
    // Whoever sets the body last produced the response: `/back/:a` does so after its next() came back, yet the last
    // route entered is `/back/:b`. Decision 1 allows both readings.
    steps: [
      step('/one/1', { tpl: '/one/:b', replyBody: 'second' }),
      step('/back/1', { tpl: ['/back/:a', '/back/:b'], replyBody: 'inner and back' }),
      // Decision 2: handed on, and nobody answered.
      step('/through/1', { status: 404 }),
    ],
  },
  {
    id: 'K7',
    title: 'never shows the path of a middleware',
    // A middleware of a router without a path is no route: when it answers itself there is no template.
    steps: [
      step('/plain/1', { tpl: '/plain/:id' }),
      step('/a/1', { tpl: '/a/:id' }),
      step('/b/1', { tpl: '/b/:id' }),
      step('/c/1', { tpl: '/c/:id' }),
      step('/e/1', { tpl: '/e/:id' }),
    ],
  },
  {
    id: 'K8',
    title: 'puts the prefix of a router before its routes',
    steps: (target) => [
      step('/shop', { tpl: '/shop', replyBody: 'root' }),
      step('/shop/items/1', { tpl: '/shop/items/:item' }),
      step('/later/x/1', { tpl: '/later/x/:id' }),
      step('/later/y/1', { tpl: '/later/y/:id' }),
      step('/t/acme/z/1', { tpl: '/t/:tenant/z/:id' }),
      step('/outer/inner/i/1', { tpl: '/outer/inner/i/:id' }),
      step('/hosted/1', { headers: { Host: 'a.test' }, tpl: '/hosted/:id' }),
      ...(routerMajor(target) >= 12 ? [step('/hosted/1', { headers: { Host: 'b.test' }, status: 404 })] : []),
    ],
  },
  {
    id: 'K9',
    title: 'writes regular expressions and wildcards as in the source',
    steps: (target) => [
      step('/re/12', { tpl: '/^\\/re\\/(\\d+)$/' }),
      step('/FLAG/abc', { tpl: '/^\\/flag\\/[a-z]+$/i' }),
      step('/files/a/b', { tpl: routerMajor(target) >= 14 ? '/files/*rest' : '/files/(.*)' }),
      step('PATCH /all/1', { tpl: '/all/:id' }),
      step('/old', { status: 301, tpl: '/old' }),
    ],
  },
  {
    id: 'K11',
    title: 'keeps the template of a handler that throws, and records what it threw',
    steps: [
      step('/throw/1', { status: 500, tpl: '/throw/:id', error: 'Error: thrown' }),
      step('/reject/1', { status: 500, tpl: '/reject/:id', error: 'Error: rejected' }),
      step('/status/404', { status: 404, tpl: '/status/:code', error: 'NotFoundError: Not Found' }),
      step('/status/500', { status: 500, tpl: '/status/:code', error: 'InternalServerError: Internal Server Error' }),
      step('/named/503', { status: 503, tpl: '/named/:code', error: 'ServiceUnavailableError: in words' }),
      step('/assert/1', { status: 401, tpl: '/assert/:id', error: 'UnauthorizedError: who are you' }),
      // Koa wraps what is no error: the text may be the string itself or Koa's words about it.
      step('/string/1', { status: 500, tpl: '/string/:id', error: /a string/ }),
      step('/second/1', { status: 500, tpl: '/second/:id', error: 'Error: second handler' }),
      step('/inner/1', { status: 500, tpl: '/inner/:b', error: 'Error: second route' }),
      step('/middleware', { status: 500, error: 'Error: in middleware' }),
    ],
  },
  {
    id: 'K12',
    title: 'goes by the status that a middleware made of the error, and lets the app hear of it once',
    // An error that a middleware caught may or may not leave its text: no decision speaks of it.
    steps: [
      step('/fail/1', { to: '200', tpl: '/fail/:id', error: ['Error: boom', undefined], replyBody: 'caught boom' }),
      step('/fail/1', { to: '400', status: 400, tpl: '/fail/:id', error: ['Error: boom', undefined] }),
      step('/fail/1', { to: '500', status: 500, tpl: '/fail/:id', error: ['Error: boom', undefined] }),
      step('/fail/1', { to: 'event', status: 500, tpl: '/fail/:id', error: 'Error: boom' }),
      step('/emitted', { to: 'event', tpl: '/emitted', replyBody: '["boom"]' }),
    ],
  },
  {
    id: 'K13',
    title: 'gives answers of allowedMethods the template of the path',
    steps: [
      ...['quiet', 'plain'].flatMap((to) => [
        step('DELETE /am/1', { to, status: 405, tpl: '/am/:id' }),
        step('PROPFIND /am/1', { to, status: 501, tpl: '/am/:id' }),
        step('OPTIONS /am/1', { to, tpl: '/am/:id' }),
        step('HEAD /am/1', { to, tpl: '/am/:id' }),
        step('/am/1', { to, tpl: '/am/:id' }),
        step('/nowhere', { to, status: 404 }),
      ]),
      ...throwing,
    ],
  },
  {
    id: 'K14',
    title: 'gives no template to a path that no route matched',
    steps: [
      step('/nowhere', { status: 404 }),
      step('/a', { status: 404 }),
      step('/a/nowhere', { status: 404 }),
      step('/b/nowhere/else', { status: 404 }),
      step('/a/known/1', { tpl: '/a/known/:id' }),
    ],
  },
  {
    id: 'K16',
    title: 'tells routes of the same path apart by their method',
    steps: [
      step('/m/1', { tpl: '/m/:got', replyBody: 'got' }),
      step('POST /m/1', { tpl: '/m/:posted', replyBody: 'posted' }),
      step('PUT /m/1', { tpl: '/m/:put', replyBody: 'put' }),
      step('DELETE /m/1', { tpl: '/m/:deleted', replyBody: 'deleted' }),
    ],
  },
  {
    id: 'K17',
    title: 'names the route whose parameter was looked at, and leaves the router its own marks',
    steps: [
      step('/ok/1', { tpl: '/ok/:ok', replyBody: 'route 1' }),
      step('/bad/1', { status: 500, tpl: '/bad/:bad', error: 'Error: thrown in param' }),
      step('/late/1', { status: 500, tpl: '/late/:late', error: 'Error: rejected in param' }),
      step('/answer/1', { tpl: '/answer/:answer', replyBody: 'param 1' }),
      step('/facts', { tpl: '/facts' }),
    ],
  },
  {
    id: 'K18',
    title: 'names routes that were added after the router was mounted',
    steps: [step('/late/1', { tpl: '/late/:id' })],
  },
  {
    id: 'K20',
    title: 'leaves generator middlewares to Koa',
    // Koa 2 converts them; for Koa 3 they are functions that do nothing, so nobody answers.
    steps: ({ major }) =>
      major === 2 ? [step('/g/1', { tpl: '/g/:id', replyBody: 'accepted' })] : [step('/g/1', { status: 404 })],
  },
  {
    id: 'K21',
    title: 'records the status of every way of answering',
    steps: (target) => [
      step('/respond/1', { status: 201, tpl: '/respond/:id', replyBody: 'raw' }),
      step('/raw/1', { status: 202, tpl: '/raw/:id', replyBody: 'raw' }),
      step('/stream/1', { tpl: '/stream/:id', replyBody: 'one two' }),
      ...brokenStreams(target),
      step('/sse/1', { tpl: '/sse/:id', minDurationMs: 80, minSpreadMs: 50 }),
      step('/null/1', { status: 204, tpl: '/null/:id' }),
      step('/download/1', {
        abort: 'reading',
        tpl: '/download/:id',
        error: 'Request aborted',
        ec: 0,
        comparable: false,
      }),
    ],
  },
  {
    id: 'K22',
    title: 'serves pages beside koa-websocket',
    steps: [step('/page/1', { tpl: '/page/:id' })],
  },
  {
    id: 'K23',
    title: "lets Koa's own asynchronous context work beside ours",
    steps: [step('/c/1', { tpl: '/c/:id', exits: ['/echo/1'], replyBody: '[true,"/c/1","/echo/1"]' })],
  },
  {
    id: 'K25',
    title: 'knows the router by every export, and leaves their shape as it is',
    steps: (target) => [
      ...exportNames(target).map((to) => step(`/${to}/1`, { to, tpl: `/${to}/:id` })),
      step('/facts', { to: 'facts', tpl: '/facts' }),
    ],
  },
  {
    id: 'K26',
    title: 'bears other routers and the usual middlewares',
    // koa-route and mounts of koa-mount are no routers we know; a sensor that does may give the template.
    steps: [
      step('/kr/7', { to: 'route', tpl: ['/kr/:id', undefined], replyBody: '7' }),
      step('/tree/1', { to: 'tree', tpl: ['/tree/:id', undefined], replyBody: 'tree' }),
      step('/joi/1', { to: 'joi', tpl: ['/joi/:id', undefined], replyBody: 'joi' }),
      step('/file.txt', { to: 'static' }),
      step('/m/in/1', { to: 'mount', tpl: ['/in/:id', '/m/in/:id'], replyBody: 'mounted' }),
      step('POST /b/1', {
        to: 'body',
        headers: json,
        body: '{"a":1}',
        tpl: '/b/:id',
        exits: ['/echo/1'],
        replyBody: /"a":1/,
      }),
    ],
  },
  {
    id: 'K27',
    title: 'keeps 100 requests at once apart, each with a call of its own',
    steps: [
      step('/f/x/d/{i}', { repeat: { count: 100, together: true }, tpl: '/f/:fid/d/:did', exits: ['/echo/K27/{i}'] }),
    ],
  },
  {
    id: 'K28',
    title: 'prefers the template that the app set by hand',
    steps: [
      step('/before/1', { tpl: '/by/hand' }),
      step('/inside/1', { tpl: '/by/hand' }),
      step('/rejected', { status: 401, tpl: '/by/hand', error: 'UnauthorizedError: early' }),
      step('/failing/1', { status: 500, tpl: '/by/hand', error: 'Error: boom' }),
    ],
  },
];

/**
 * An error of a streamed body: Koa 3 cuts the connection. Koa 2 answers 500 if it still can, else it lets the client wait,
 * until that one leaves. The text is that of the stream's error or of the cut, whichever a sensor sees.
 */
function brokenStreams({ major }: Target): Step[] {
  const cut = { error: ['Error: in stream', 'Request aborted'], ec: 0 } as const;
  return major === 2
    ? [
        step('/broken/1', { abort: 'reading', tpl: '/broken/:id', ...cut }),
        step('/early/1', { status: 500, tpl: '/early/:id', error: ['Error: in stream', undefined] }),
      ]
    : [
        step('/broken/1', { tpl: '/broken/:id', ...cut }),
        step('/early/1', { status: null, tpl: '/early/:id', ...cut }),
      ];
}

/** Names under which the router's class is found: `module` is what `require` returns. */
function exportNames(target: Target): string[] {
  const whole = target.loader === 'require' ? ['module'] : ['default'];
  if (routerMajor(target) < 15) return whole;
  return target.loader === 'require' ? [...whole, 'Router', 'default'] : [...whole, 'Router'];
}
