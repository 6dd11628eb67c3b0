// One application three times: on plain http, Express and Koa. What it answers, prints and how it ends has to be the same with
// and without the sensor, so it also answers with what it can see of its own surroundings.
const { createHash } = require('node:crypto');
const http = require('node:http');

const [framework = 'http'] = process.argv.slice(2);
const downstream = process.env.DOWNSTREAM_URL ?? 'http://127.0.0.1:9';
const closed = process.env.CLOSED_URL ?? 'http://127.0.0.1:9';
const large = Buffer.alloc(2 * 1024 * 1024, 'abcdefghij');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function body(req) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => resolve(Buffer.concat(chunks)));
    req.on('error', reject);
  });
}

/** Calls out and says what came back, or how it failed, and in which order the events came. */
function callOut(url, options = {}, payload = undefined) {
  return new Promise((resolve) => {
    const events = [];
    const done = (result) => setTimeout(() => resolve({ events, ...result }), 20);
    let request;
    try {
      request = http.request(url, options);
    } catch (error) {
      resolve({ thrown: `${error.name} ${error.code} ${error.message}` });
      return;
    }
    for (const event of ['socket', 'finish', 'abort', 'timeout', 'information', 'upgrade', 'connect'])
      request.on(event, () => events.push(event));
    request.on('close', () => {
      events.push('close');
      done({});
    });
    request.on('error', (error) => {
      events.push(`error ${error.code} ${error.message}`);
    });
    request.on('response', (response) => {
      events.push(`response ${response.statusCode}`);
      response.on('data', () => {});
      response.on('aborted', () => events.push('aborted'));
      response.on('error', (error) => events.push(`response error ${error.code}`));
      response.on('end', () => events.push('end'));
      response.on('close', () => events.push('response close'));
    });
    if (options.thenDestroy) setTimeout(() => request.destroy(options.reason), 20);
    request.end(payload);
  });
}

/** What each path does, for `(req, res)`; the frameworks hand theirs over. */
const handlers = {
  hello: (_req, res) => res.end('hello'),
  empty: (_req, res) => {
    res.statusCode = 204;
    res.end();
  },
  echo: async (req, res) => {
    const received = await body(req);
    res.setHeader('X-Sha', createHash('sha1').update(received).digest('hex'));
    res.end(received);
  },
  large: (_req, res) => res.end(large),
  stream: async (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Trailer' });
    for (let index = 0; index < 20; index++) {
      res.write(`chunk ${index}\n`);
      await pause(1);
    }
    res.addTrailers({ 'X-Trailer': 'done' });
    res.end();
  },
  heads: (_req, res) => {
    res.setHeader('X-Multi', ['a', 'b']);
    res.appendHeader('X-Multi', 'c');
    res.setHeader('Server-Timing', ['app;dur=3', 'db;dur=1']);
    res.writeHead(201, 'Made Up', ['X-Raw', '1', 'x-raw', '2', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    res.end('heads');
  },
  hints: (_req, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    res.writeProcessing();
    res.end('hints');
  },
  misuse: (_req, res) => {
    const codes = [];
    const note = (work) => {
      try {
        work();
        codes.push('fine');
      } catch (error) {
        codes.push(`${error.name} ${error.code}`);
      }
    };
    res.on('error', (error) => process.stdout.write(`late error ${error.code}\n`));
    note(() => res.setHeader('X-Undefined', undefined));
    note(() => res.setHeader('bad name', '1'));
    note(() => res.setHeader('X-Bad', 'a\nb'));
    note(() => res.writeHead(99));
    note(() => res.write(null));
    res.write('x');
    note(() => res.setHeader('X-Late', '1'));
    note(() => res.writeHead(200));
    res.end(JSON.stringify(codes));
    note(() => res.end('again'));
    note(() => res.write('after end'));
    process.stdout.write(`${codes.join(' | ')}\n`);
  },
  visible: (req, res) => {
    const { request, get, Server, ServerResponse, ClientRequest } = http;
    const shown = (fn) => [fn.name, fn.length, Object.keys(fn), typeof fn.prototype, String(Object.getPrototypeOf(fn))];
    const seen = {
      listeners: [req.eventNames(), res.eventNames(), req.socket.eventNames(), res.listenerCount('finish')].map(String),
      // The trace id is among the headers for templates of pages.
      keys: [
        Object.keys(req),
        Object.keys(res).sort(),
        Object.keys(req.headers).filter((name) => name !== 'x-instana-t'),
      ],
      raw: [req.rawHeaders.filter((_, index) => index % 2 === 0), Object.keys(req.headersDistinct)],
      symbols: [Object.getOwnPropertySymbols(req).length, Object.getOwnPropertySymbols(res).length],
      functions: [request, get, Server, ClientRequest, ServerResponse, fetch].map(shown),
      emitters: [Server.prototype.emit, ServerResponse.prototype.emit, ClientRequest.prototype.destroy].map((fn) => [
        fn.name,
        fn.length,
      ]),
      globals: Object.keys(globalThis),
      // The sensor delivers its last spans in these two; they change nothing of how the process ends.
      processEvents: process
        .eventNames()
        .map(String)
        .filter((name) => name !== 'exit' && name !== 'uncaughtExceptionMonitor')
        .sort(),
      stackTraceLimit: Error.stackTraceLimit,
      prepareStackTrace: typeof Error.prepareStackTrace,
      url: req.url,
      originalUrl: req.originalUrl,
    };
    res.end(JSON.stringify(seen));
  },
  out: async (_req, res) => {
    const results = [
      await callOut(`${downstream}/ok?a=1`),
      await callOut(`${downstream}/ok`, { method: 'POST', headers: { 'X-A': '1', 'Content-Length': '3' } }, 'abc'),
      await callOut(`${downstream}/ok`, { headers: ['X-Raw', '1', 'x-raw', '2', 'Host', 'other.example'] }),
      await callOut(new URL(`${downstream}/ok`), { agent: false }),
      await callOut(`${downstream}/status/500`),
      await callOut(`${downstream}/cut`),
      await callOut(`${downstream}/hang`, { timeout: 50, thenDestroy: true }),
      await callOut(`${downstream}/hang`, { thenDestroy: true, reason: new Error('given up') }),
      await callOut(`${downstream}/hang`, { signal: AbortSignal.timeout(30) }),
      await callOut(`${closed}/refused`),
      await callOut('http://127.0.0.1:1/x', {
        lookup: () => {
          throw new Error('lookup');
        },
        host: 'nowhere.example',
      }),
      await callOut('not a url'),
      await callOut('ftp://127.0.0.1/x'),
      await callOut(downstream, { method: 'BAD METHOD' }),
      await callOut(downstream, { path: '/a b' }),
      await callOut(downstream, { headers: { 'bad header': '1' } }),
      await callOut(downstream, { headers: { 'X-Bad': 'a\nb' } }),
      await callOut(undefined),
      await callOut(null),
      await callOut({ host: '127.0.0.1', port: 70_000 }),
    ];
    res.end(JSON.stringify(results));
  },
  fetch: async (_req, res) => {
    const results = [];
    const attempt = async (url, options) => {
      try {
        const answer = await fetch(url, options);
        results.push([answer.status, await answer.text()]);
      } catch (error) {
        results.push([error.name, error.message, error.cause?.code]);
      }
    };
    await attempt(`${downstream}/seen`, { headers: { 'X-A': '1' } });
    await attempt(`${downstream}/status/404`);
    await attempt(`${closed}/x`);
    await attempt(`${downstream}/hang`, { signal: AbortSignal.timeout(30) });
    await attempt('http://[');
    res.end(JSON.stringify(results));
  },
  options: async (_req, res) => {
    const headers = Object.freeze({ 'X-Frozen': '1' });
    const options = Object.freeze({ headers, path: '/seen' });
    const nameless = Object.assign(Object.create(null), { path: '/seen' });
    const before = JSON.stringify(options);
    const seen = [];
    const read = (given) =>
      new Promise((resolve, reject) => {
        http
          .get(downstream, given, (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (chunk) => {
              text += chunk;
            });
            answer.on('end', () => resolve(text));
          })
          .on('error', reject);
      });
    seen.push(await read(options), await read(nameless), JSON.stringify(options) === before);
    res.end(JSON.stringify(seen));
  },
  slow: async (_req, res) => {
    await pause(300);
    res.end('slow');
  },
  half: (_req, res) => {
    res.writeHead(200, { 'Content-Length': '100' });
    res.write('half');
    res.on('close', () => process.stdout.write(`half closed, finished: ${res.writableFinished}\n`));
  },
  destroy: (req) => req.socket.destroy(),
  throw: () => {
    throw new Error('thrown in a handler');
  },
  reject: async () => {
    await pause(1);
    throw new TypeError('rejected in a handler');
  },
  throwNull: () => {
    throw null;
  },
  // Ways to end.
  close: (_req, res) => {
    res.end('closing');
    server.close();
    server.closeIdleConnections();
  },
  closeWithCode: (req, res) => {
    process.exitCode = 3;
    handlers.close(req, res);
  },
  exit: (_req, res) => {
    res.end('exiting', () => process.exit(7));
  },
  exitAtOnce: () => process.exit(0),
  crashLater: (_req, res) => {
    res.end('crashing');
    setTimeout(() => {
      throw new RangeError('uncaught, from a timer');
    }, 30);
  },
  crashWithNull: (_req, res) => {
    res.end('crashing');
    setTimeout(() => {
      throw null;
    }, 30);
  },
  rejectLater: (_req, res) => {
    res.end('crashing');
    setTimeout(() => Promise.reject(new Error('nobody handles this')), 30);
  },
  outWithoutListener: (_req, res) => {
    res.end('crashing');
    http.get(`${closed}/refused`);
  },
  ownSignalHandler: (_req, res) => {
    process.on('SIGTERM', () => {
      process.stdout.write('own handler\n');
      process.exit(5);
    });
    res.end('ready');
  },
};

function nameOf(url) {
  return url.slice(1).split(/[?/]/)[0];
}

function plain() {
  return http.createServer((req, res) => {
    const handler = handlers[nameOf(req.url)];
    if (handler === undefined) {
      res.statusCode = 404;
      res.end('nothing here');
      return undefined;
    }
    return handler(req, res);
  });
}

function express() {
  const app = require('express')();
  app.use((_req, res, next) => {
    res.setHeader('X-Middleware', '1');
    next();
  });
  for (const [name, handler] of Object.entries(handlers)) app.all(`/${name}`, handler);
  app.param('id', (_req, _res, next) => next());
  app.get('/items/:id', (req, res) => res.json({ id: req.params.id }));
  app.use('/failing', (_req, _res, next) => next(Object.assign(new Error('I am a teapot'), { status: 418 })));
  app.use('/handled', (_req, _res, next) => next(new Error('handled')));
  app.use('/handled', (error, _req, res, _next) => res.status(409).send(error.message));
  return http.createServer(app);
}

function koa() {
  const Koa = require('koa');
  const { Router } = require('@koa/router');
  const app = new Koa();
  app.silent = true;
  const router = new Router();
  router.get('/items/:id', (ctx) => {
    ctx.body = { id: ctx.params.id };
  });
  router.all('/throw', handlers.throw);
  router.all('/reject', handlers.reject);
  router.all('/throwNull', handlers.throwNull);
  router.get('/failing', (ctx) => ctx.throw(418, 'I am a teapot'));
  router.get('/handled', async (ctx) => {
    try {
      await Promise.reject(new Error('handled'));
    } catch (error) {
      ctx.status = 409;
      ctx.body = error.message;
    }
  });
  router.get('/piped', (ctx) => {
    ctx.body = require('node:stream').Readable.from(['a', 'b', 'c']);
  });
  app.use(async (ctx, next) => {
    ctx.set('X-Middleware', '1');
    await next();
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.use(async (ctx) => {
    const handler = handlers[nameOf(ctx.url)];
    if (handler === undefined) return;
    ctx.respond = false;
    ctx.res.statusCode = 200;
    await handler(ctx.req, ctx.res);
  });
  return http.createServer(app.callback());
}

const server = { http: plain, express, koa }[framework]();
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
