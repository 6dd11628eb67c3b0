// Cases E: Express 4 and 5.
import { type Case, type Step, step, type Target } from './case.js';

const v4 = ({ major }: Target): boolean => major === 4;
const v5 = ({ major }: Target): boolean => major === 5;
/** The list `base`, and `more` on Express 4 or 5 only. */
const withMajor = (base: readonly Step[], more: { readonly v4?: readonly Step[]; readonly v5?: readonly Step[] }) => {
  return (target: Target): readonly Step[] => [...base, ...((v4(target) ? more.v4 : more.v5) ?? [])];
};
const json = { 'Content-Type': 'application/json' };
const boundary = 'xxBOUNDARYxx';
const upload = [
  `--${boundary}`,
  'Content-Disposition: form-data; name="file"; filename="a.txt"',
  'Content-Type: text/plain',
  '',
  'content',
  `--${boundary}--`,
  '',
].join('\r\n');

export const expressCases: readonly Case[] = [
  {
    id: 'E1',
    title: 'names a plain route',
    steps: [
      step('/u/42', { tpl: '/u/:id', replyBody: '42' }),
      step('/u/42?secret=1&b=2', { tpl: '/u/:id', params: 'secret=<redacted>&b=2' }),
    ],
  },
  { id: 'E2', title: 'puts the mount path before the route', steps: [step('/app/user/1', { tpl: '/app/user/:id' })] },
  { id: 'E3', title: 'joins two levels of routers', steps: [step('/sub/sub/bar/1', { tpl: '/sub/sub/bar/:id' })] },
  {
    id: 'E4',
    title: 'keeps the parameters of a mount path as they are written',
    steps: [
      step('/users/42/posts/7', { tpl: '/users/:id/posts/:pid', replyBody: '{"id":"42","pid":"7"}' }),
      step('/orgs/a/teams/b', { tpl: '/orgs/:org/teams/:team' }),
    ],
  },
  {
    id: 'E5',
    title: 'names routes of mounted apps',
    steps: [
      step('/parent/child', { tpl: '/parent/child' }),
      step('/sub/1/in/2', { tpl: '/sub/:s/in/:k' }),
      step('/outer/deep/in/2', { tpl: '/outer/deep/in/:k' }),
    ],
  },
  {
    id: 'E7',
    title: 'knows the prefix of each of several routers mounted at once',
    steps: [
      step('/api/a/1', { tpl: '/api/a/:id' }),
      step('/api/b/1', { tpl: '/api/b/:id' }),
      step('/listed/a/1', { tpl: '/listed/a/:id' }),
      step('/listed/b/1', { tpl: '/listed/b/:id' }),
    ],
  },
  {
    id: 'E8',
    title: 'names the alternative of a list of paths that matched',
    // Express 5 takes no nested lists as paths.
    steps: withMajor(
      [
        step('/a/x/1', { tpl: '/a/x/:id' }),
        step('/b/x/1', { tpl: '/b/x/:id' }),
        step('/c/1', { tpl: '/c/:x' }),
        step('/d/1', { tpl: '/d/:y' }),
        step('/e/1', { tpl: '/e/:x' }),
        step('/f/1', { tpl: '/^\\/f\\/(\\d+)$/' }),
        step('/m/1/p', { tpl: '/m/:one/p' }),
        step('/k/1/q/2', { tpl: '/k/:two/q/:q' }),
      ],
      {
        v4: [step('/n1/1', { tpl: '/n1/:x' }), step('/n2/1', { tpl: '/n2/:y' }), step('/n3', { tpl: '/n3' })],
      },
    ),
  },
  {
    id: 'E9',
    title: 'writes regular expressions as in the source, after the prefix',
    steps: [
      step('/re/12', { tpl: '/^\\/re\\/(\\d+)$/' }),
      step('/FLAG/abc', { tpl: '/^\\/flag\\/[a-z]+$/i' }),
      step('/very/plain', { tpl: '/very/plain' }),
      step('/app/x12', { tpl: '/app/^\\/x(\\d+)$/' }),
      step('/m12/in/1', { tpl: '/^\\/m(\\d+)/in/:id' }),
    ],
  },
  {
    id: 'E10',
    title: 'keeps wildcards and optional parts as written',
    steps: (target) =>
      v4(target)
        ? [
            step('/files/a/b', { tpl: '/files/*' }),
            step('/p/a/b', { tpl: '/p/:path(*)' }),
            step('/n/1', { tpl: '/n/:id(\\d+)?' }),
            step('/n', { tpl: '/n/:id(\\d+)?' }),
            step('/other/thing', { tpl: '*' }),
          ]
        : [
            step('/files/a/b', { tpl: '/files/*splat' }),
            step('/n/1', { tpl: '/n{/:id}' }),
            step('/n', { tpl: '/n{/:id}' }),
            step('/other/thing', { tpl: '/{*splat}' }),
            step('/', { tpl: '/{*splat}' }),
          ],
  },
  {
    id: 'E11',
    title: 'names routes of route() and all(), with the method of the request',
    steps: [
      step('/x', { tpl: '/x', replyBody: 'got' }),
      step('POST /x', { tpl: '/x', replyBody: 'posted' }),
      step('/all/1', { tpl: '/all/:id' }),
      step('DELETE /all/1', { tpl: '/all/:id' }),
      step('PATCH /r/all/1', { tpl: '/r/all/:id' }),
      step('PUT /r/y/1', { tpl: '/r/y/:id' }),
    ],
  },
  {
    id: 'E12',
    title: 'names routes with lists of handlers',
    steps: [
      step('/list/1', { tpl: '/list/:id' }),
      step('/many/1', { tpl: '/many/:id' }),
      step('/nested/1', { tpl: '/nested/:id' }),
      step('/second/1', { tpl: '/second/:id' }),
    ],
  },
  {
    id: 'E13',
    title: 'names the route whose parameter was looked at, and records what that threw',
    steps: withMajor(
      [
        step('/ok/1', { tpl: '/ok/:ok', replyBody: 'route 1' }),
        step('/answer/1', { tpl: '/answer/:answer', replyBody: 'param 1' }),
        step('/err/1', { tpl: '/err/:err', status: 500, error: 'Error: from param' }),
        step('/throw/1', { tpl: '/throw/:throw', status: 500, error: 'Error: thrown in param' }),
        step('/later/1', { tpl: '/later/:later' }),
        step('/r/item/1', { tpl: '/r/item/:id', status: 500, error: 'Error: from router param' }),
      ],
      { v5: [step('/reject/1', { tpl: '/reject/:reject', status: 500, error: 'Error: rejected in param' })] },
    ),
  },
  {
    id: 'E14',
    title: 'names a middleware that answers by its mount path, and not at all without one',
    steps: [
      step('/none'),
      step('/test', { tpl: '/test' }),
      step('/test/deeper/1', { tpl: '/test' }),
      step('/mw/7', { tpl: '/mw/:m' }),
      step('/outer/inner', { tpl: '/outer/inner' }),
      step('/outer/other', { tpl: '/outer' }),
    ],
  },
  {
    id: 'E16',
    title: 'records what was passed to next() as an error, once',
    // Falsy values and the words `route` and `router` are no errors. A later route answers then, or the next handler.
    steps: [
      step('/r/error/1', { tpl: '/r/error/:id', status: 500, error: 'Error: an error' }),
      step('/r/type/1', { tpl: '/r/type/:id', status: 500, error: 'TypeError: a type error' }),
      step('/r/string/1', { tpl: '/r/string/:id', status: 500, error: 'a string' }),
      step('/r/number/1', { tpl: '/r/number/:id', status: 500, error: '42' }),
      step('/r/object/1', { tpl: '/r/object/:id', status: 500, error: /an object/ }),
      step('/r/status/1', { tpl: '/r/status/:id', status: 404, error: 'Error: with status' }),
      step('/r/created/1', { tpl: '/r/created/:id', status: 403, error: 'ForbiddenError: not you' }),
      step('/r/long/1', { tpl: '/r/long/:id', status: 500, error: /^Error: x{193}$|^Error: x{1,190}(\.{3}|\u2026)$/ }),
      ...['null', 'zero', 'empty', 'undefined', 'false'].map((word) =>
        step(`/r/${word}/1`, { tpl: `/r/${word}/:id`, replyBody: 'second handler' }),
      ),
      step('/r/route/1', { tpl: '/r/:what/:id', replyBody: 'next route' }),
      // `router` leaves the whole router, here the app: Express answers 404, nothing of a route produced that (decision 2).
      step('/r/router/1', { status: 404 }),
      step('/via/1', { tpl: '/via/:id', status: 500, error: 'Error: boom' }),
    ],
  },
  {
    id: 'E17',
    title: 'records what is thrown wherever it is thrown',
    // A middleware without a path is no route: what it throws is recorded, and there is no template.
    steps: [
      ...['/handler', '/second', '/router/in', '/nested/in'].map((path) =>
        step(`${path}/1`, { tpl: `${path}/:id`, status: 500, error: 'Error: thrown' }),
      ),
      step('/string/1', { tpl: '/string/:id', status: 500, error: 'a thrown string' }),
      step('/param/1', { tpl: '/param/:bad', status: 500, error: 'Error: thrown' }),
      step('/middleware', { status: 500, error: 'Error: thrown' }),
    ],
  },
  {
    id: 'E18',
    title: 'records rejections where Express handles them, and leaves them unhandled where it does not',
    // On Express 4 nobody answers: the client leaves, and the rejection stays unhandled as the last test of the suite compares.
    steps: (target) => {
      const rejected = v5(target)
        ? ({ status: 500, error: 'Error: rejected', replyBody: 'handled rejected' } as const)
        : ({ abort: 'waiting', status: null, error: 'Request aborted', ec: 0 } as const);
      return [
        step('/reject/1', { tpl: '/reject/:id', ...rejected }),
        step('/now/1', { tpl: '/now/:id', ...rejected }),
        step('/r/reject/1', { tpl: '/r/reject/:id', ...rejected }),
        step('/fine/1', { tpl: '/fine/:id' }),
      ];
    },
  },
  {
    id: 'E19',
    title: 'names the route that failed, not the error handler, and goes by the final status',
    steps: withMajor(
      [
        step('/fail/1', { to: '200', tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: '400', status: 400, tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: '500', status: 500, tpl: '/fail/:id', error: 'Error: first' }),
        // The route did not call next() without an error, so decision 2 does not take its template away.
        step('/fail/1', { to: 'next', status: 404, tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: 'nextAnswered', tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: 'again', status: 500, tpl: '/fail/:id', error: 'Error: first', replyBody: /second/ }),
        step('/fail/1', { to: 'async', status: 503, tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: 'path', status: 500, tpl: '/fail/:id', error: 'Error: first' }),
        step('/fail/1', { to: 'router', status: 500, tpl: '/fail/:id', error: 'Error: first' }),
      ],
      {},
    ),
  },
  {
    id: 'E20',
    title: 'records errors that only the final handler sees',
    steps: ['test', 'production'].map((to) =>
      step('/fail/1', { to, status: 500, tpl: '/fail/:id', error: 'Error: boom' }),
    ),
  },
  {
    id: 'E21',
    title: 'gives no template to a path that no route matched',
    steps: [
      step('/nowhere', { status: 404 }),
      step('/foo', { status: 404 }),
      step('/foo/nowhere', { status: 404 }),
      step('/bar/nowhere', { status: 404 }),
      step('/z/1', { tpl: '/z/:id' }),
    ],
  },
  {
    id: 'E22',
    title: 'keeps the last route when a middleware answers after it, and drops it when nobody does',
    steps: [
      step('/answered/1', { tpl: '/answered/:id', replyBody: 'by middleware' }),
      step('/one/1', { tpl: '/one/:b' }),
      step('/skip/1', { tpl: '/skip/:b' }),
      step('/leave/1', { tpl: '/leave/:b', replyBody: 'after router' }),
      step('/lost/1', { status: 404 }),
    ],
  },
  {
    id: 'E24',
    title: 'names routes of an app that something else calls',
    steps: [
      step('/v/1', { to: 'handle', tpl: '/v/:id' }),
      step('/v/1', { to: 'handleWithCallback', tpl: '/v/:id' }),
      step('/nobody', { to: 'handleWithCallback', replyBody: 'nobody' }),
      step('/v/1', { to: 'called', tpl: '/v/:id' }),
      step('/v/1', { to: 'connect', tpl: '/v/:id' }),
      step('/v/1', { to: 'chain', tpl: '/v/:id' }),
      step('/w/1', { to: 'chain', tpl: '/w/:id' }),
      step('/nobody', { to: 'chain', status: 404 }),
      step('/v/1', { to: 'vhost', headers: { Host: 'a.test' }, tpl: '/v/:id' }),
      step('/w/1', { to: 'vhost', headers: { Host: 'b.test' }, tpl: '/w/:id' }),
      step('/v/1', { to: 'later', tpl: '/v/:id' }),
    ],
  },
  {
    id: 'E25',
    title: 'leaves layers and handlers as the app made them',
    steps: (target) => {
      const layers = { to: 'layers' };
      const steps = [
        step('/facts', { ...layers, tpl: '/facts', replyBody: /"identity":\[true,true,true\]/ }),
        step('/in/own/1', { ...layers, tpl: '/in/own/:id' }),
        step('/in/frozen/1', { ...layers, tpl: '/in/frozen/:id' }),
        step('/in/used', { ...layers, tpl: '/in/used' }),
        step('/sorted/s/1', { ...layers, tpl: '/sorted/s/:early', replyBody: 'early' }),
        step('/replaced/1', { ...layers, tpl: '/replaced/:id', replyBody: 'replaced' }),
        step('/lifted/own/1', { ...layers, tpl: '/lifted/own/:id' }),
        step('/removed/1', { ...layers, tpl: '/removed/:other', replyBody: 'left' }),
      ];
      const slash = [step('/slash', { to: 'slash', status: 301 }), step('/slash/', { to: 'slash', tpl: '/slash' })];
      return v4(target) ? [...steps, ...slash] : steps;
    },
  },
  {
    id: 'E26',
    title: 'leaves the choice between normal and error handlers as it is',
    // A generator does nothing by itself, so its request is answered by the handler after it only where that is asked for.
    steps: [
      ...['0', '1', '2', '3', 'default', 'bound', 'method'].map((word) => step(`/${word}/1`, { tpl: `/${word}/:id` })),
      step('/rest/1', { tpl: '/rest/:id', replyBody: 'rest 3' }),
      step('/4/1', { tpl: '/4/:id', replyBody: 'after four' }),
      step('/5/1', { tpl: '/5/:id', replyBody: 'after five' }),
      step('/generator/1', { abort: 'waiting', status: null, tpl: '/generator/:id', error: 'Request aborted', ec: 0 }),
      step('/fails/1', { status: 500, tpl: '/fails/:id', error: 'Error: boom', replyBody: 'bound boom' }),
    ],
  },
  {
    id: 'E27',
    title: 'keeps the context behind body parsers and the usual middlewares',
    steps: [
      step('/plain/1', { to: 'usual', tpl: '/plain/:id', exits: ['/echo/1'] }),
      step('POST /json/2', {
        to: 'usual',
        headers: json,
        body: '{"a":1}',
        tpl: '/json/:id',
        exits: ['/echo/2'],
        replyBody: /"a":1/,
      }),
      step('POST /own/3', { to: 'usual', headers: json, body: '{"a":1}', tpl: '/own/:id', exits: ['/echo/3'] }),
      step('POST /form/4', {
        to: 'usual',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'a=1',
        tpl: '/form/:id',
        exits: ['/echo/4'],
      }),
      step('POST /upload/5', {
        to: 'usual',
        headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
        body: upload,
        tpl: '/upload/:id',
        exits: ['/echo/5'],
        replyBody: /a\.txt/,
      }),
      step('POST /events/6', { to: 'usual', body: 'text', tpl: '/events/:id', exits: ['/echo/6'] }),
      step('POST /json/7', {
        to: 'usual',
        headers: json,
        body: '{broken',
        status: 400,
        tpl: '/json/:id',
        error: /^SyntaxError: /,
      }),
      step('/timeout/1', { to: 'timed', status: 503, tpl: '/timeout/:id', error: /Response timeout/ }),
    ],
  },
  {
    id: 'E28',
    title: 'knows route and status where the app leaves the asynchronous context',
    steps: [
      step('/exit/1', { tpl: '/exit/:id' }),
      step('/queue/1', { tpl: '/queue/:id' }),
      step('/queue/fail/1', { status: 500, tpl: '/queue/fail/:id', error: 'Error: boom' }),
    ],
  },
  {
    id: 'E29',
    title: 'bears next() called twice or late, and every way of answering',
    // What happens after the response is on its way is not the route's doing any more: the route that sent it keeps the name.
    steps: [
      step('/double/1', { tpl: '/double/:id', replyBody: 'once' }),
      step('/after/1', { tpl: '/after/:id' }),
      step('/redirect/1', { status: 302, tpl: '/redirect/:id' }),
      step('/file/1', { tpl: '/file/:id' }),
      step('/nofile/1', { status: 404, tpl: '/nofile/:id', error: /^(NotFoundError|Error): / }),
      step('/render/1', { status: 500, tpl: '/render/:id', error: /^Error: / }),
      step('/jsonp/1?callback=cb', { tpl: '/jsonp/:id', params: 'callback=cb', replyBody: /cb\(/ }),
      step('/status/1', { status: 204, tpl: '/status/:id' }),
    ],
  },
  {
    id: 'E30',
    title: 'prefers the template that the app set by hand',
    steps: [
      step('/before/1', { tpl: '/by/hand' }),
      step('/inside/1', { tpl: '/by/hand' }),
      step('/rejected', { status: 401, tpl: '/by/hand' }),
      step('/failing/1', { status: 500, tpl: '/by/hand', error: 'Error: boom' }),
    ],
  },
  {
    id: 'E31',
    title: 'writes the same template whatever the settings of routing',
    steps: [
      step('/Case/1', { to: 'sensitive', tpl: '/Case/:id' }),
      step('/case/1', { to: 'sensitive', status: 404 }),
      step('/case/1', { to: 'insensitive', tpl: '/Case/:id' }),
      step('/strict/1/', { to: 'strict', tpl: '/strict/:id' }),
      step('/strict/1', { to: 'strict', status: 404 }),
      step('/', { to: 'trailing', tpl: '/' }),
      step('/slash/1', { to: 'trailing', tpl: '/slash/:id' }),
      step('/mount', { to: 'trailing', tpl: '/mount' }),
      step('/q?a[b]=1', { to: 'query', tpl: '/q', params: 'a[b]=1', replyBody: '{"a":{"b":"1"}}' }),
      step('/ip', {
        to: 'proxy',
        headers: { 'X-Forwarded-For': '203.0.113.9' },
        tpl: '/ip',
        replyBody: /203\.0\.113\.9/,
      }),
    ],
  },
  {
    id: 'E33',
    title: 'leaves the shape of the module as it is',
    steps: [step('/shape', { tpl: '/shape' })],
  },
  {
    id: 'E34',
    title: 'adds nothing to a span that ended when the client left',
    steps: [step('/slow/1', { abort: 'waiting', status: null, tpl: '/slow/:id', error: 'Request aborted', ec: 0 })],
  },
];
