// Koa apps of the conformance cases, by case id. Koa and the router are handed in, so that one list serves every pair of them.
const path = require('node:path');
const { PassThrough, Readable } = require('node:stream');
const { handlers } = require('./handlers.cjs');
const { call, loadSensor, nameRoute, pause } = require('./serve.cjs');

const staticFolder = path.join(__dirname, 'static');
const sensor = loadSensor();

const say = (text) => (ctx) => {
  ctx.body = text;
};
const pass = (_ctx, next) => next();
const boom = (message = 'boom') => new Error(message);

/** `context`: { Koa, koaMajor, Router, routerModule, routerMajor, require } – `require` resolves in the folder of the pair. */
function builders({ Koa, koaMajor, Router, routerModule, routerMajor, require: load }) {
  /** Catch-all paths are written differently since path-to-regexp 8, which routers use from 14 on. */
  const catchAll = routerMajor >= 14 ? '/files/*rest' : '/files/(.*)';

  const silent = (options) => {
    const app = new Koa(options);
    app.silent = true;
    return app;
  };
  /** An app with one router; `routes` gets both. */
  const routed = (routes, options) => () => {
    const app = silent();
    const router = new Router(options);
    routes(router, app);
    app.use(router.routes());
    return app;
  };
  const bare =
    (...middlewares) =>
    () => {
      const app = silent();
      for (const middleware of middlewares) app.use(middleware);
      return app;
    };
  const nested = (root, prefix, sub) => root.use(prefix, sub.routes(), sub.allowedMethods());

  const raw = {};
  for (const [id, handler] of Object.entries(handlers)) {
    raw[id] = bare((ctx) => {
      ctx.respond = false;
      ctx.res.statusCode = 200;
      return handler(ctx.req, ctx.res);
    });
  }
  const fgd = () => {
    const root = new Router();
    const sub = new Router();
    sub.get('/d/:did', (ctx) => {
      ctx.body = ctx.params;
    });
    nested(root, '/f/:fid', sub);
    return root;
  };

  return {
    ...raw,
    H5: routed((router) => router.get('/h/:id', say('hello'))),
    H6: routed((router, app) => {
      router.get('/o/:id', say('o'));
      router.put('/p/:id', say('p'));
      app.use(router.routes()).use(router.allowedMethods());
    }),
    H7: routed((router) => {
      router.get('/s/:status', (ctx) => {
        ctx.status = Number(ctx.params.status);
        ctx.body = 'no';
      });
    }),
    H8: routed((router) => {
      router.get('/s/:status', (ctx) => {
        ctx.status = Number(ctx.params.status);
        ctx.body = 'broken';
      });
    }),
    H9: routed((router) => {
      router.get('/slow/:id', async (ctx) => {
        await new Promise((resolve) => ctx.res.on('close', resolve));
        await pause(50);
        ctx.body = 'too late';
      });
    }),
    H10: routed((router) => {
      router.get('/stream/:id', (ctx) => {
        const stream = new PassThrough();
        stream.write('part');
        ctx.body = stream;
      });
    }),
    H30: () => {
      const ip = (ctx) => {
        ctx.body = [ctx.host, ctx.protocol, ctx.ip, ctx.ips];
      };
      const trusting = silent();
      trusting.proxy = true;
      return { trusting: trusting.use(ip), distrusting: silent().use(ip) };
    },
    H32: bare(load('koa-mount')('/files', load('koa-static')(staticFolder)), load('koa-static')(staticFolder)),

    K1: bare(say('hello')),
    K2: routed((router) => {
      router.get('/route/:id', say('route'));
      router.get('named', '/named/:id', say('named'));
      router.get(['/a', '/b/:x'], say('alternatives'));
      router.get('link', '/link/:id', (ctx) => {
        ctx.body = router.url('named', { id: 7 });
      });
    }),
    K3: () => {
      const root = fgd();
      const deep = new Router();
      const middle = new Router();
      const leaf = new Router();
      leaf.get('/leaf/:l', say('leaf'));
      nested(middle, '/middle/:m', leaf);
      nested(deep, '/deep/:p', middle);
      return silent().use(root.routes()).use(deep.routes());
    },
    K4: () => {
      const root = new Router();
      const sub = new Router();
      sub.get('/d/:did', say('d'));
      sub.use(pass);
      nested(root, '/f/:fid', sub);
      return silent().use(root.routes());
    },
    K5: routed((router) => {
      router.get('/users/me', say('me'));
      router.get('/users/:id', say('user'));
      router.get('/v/:id', say('param first'));
      router.get('/v/me', say('never'));
    }),
    K6: routed((router) => {
      router.get('/one/:a', pass);
      router.get('/one/:b', say('second'));
      router.get('/back/:a', async (ctx, next) => {
        await next();
        ctx.body = `${ctx.body ?? ''} and back`;
      });
      router.get('/back/:b', say('inner'));
      router.get('/through/:id', pass);
    }),
    K7: () => {
      const plain = new Router();
      plain.use(pass);
      plain.use(pass);
      plain.get('/plain/:id', pass, pass, say('plain'));
      const listed = new Router();
      listed.use(['/a', '/b'], pass);
      listed.get('/a/:id', say('a'));
      listed.get('/b/:id', say('b'));
      const pathed = new Router();
      pathed.use('/c', pass);
      pathed.use(pass);
      pathed.get('/c/:id', say('c'));
      const answering = new Router();
      answering.use((ctx, next) => (ctx.path.endsWith('/early') ? say('early')(ctx) : next()));
      answering.get('/e/:id', say('e'));
      const app = silent();
      for (const router of [plain, listed, pathed, answering]) app.use(router.routes());
      return app;
    },
    K8: () => {
      const fixed = new Router({ prefix: '/shop' });
      fixed.get('/', say('root'));
      fixed.get('/items/:item', say('item'));
      const later = new Router();
      later.get('/x/:id', say('x'));
      later.prefix('/later');
      later.get('/y/:id', say('y'));
      const params = new Router({ prefix: '/t/:tenant' });
      params.get('/z/:id', say('z'));
      const inner = new Router({ prefix: '/inner' });
      inner.get('/i/:id', say('i'));
      const outer = new Router({ prefix: '/outer' });
      outer.use(inner.routes());
      const hosted = new Router({ host: 'a.test' });
      hosted.get('/hosted/:id', say('a host'));
      const app = silent();
      for (const router of [fixed, later, params, outer, hosted]) app.use(router.routes());
      return app;
    },
    K9: routed((router) => {
      router.get(/^\/re\/(\d+)$/, say('re'));
      router.get(/^\/flag\/[a-z]+$/i, say('flag'));
      router.get(catchAll, say('files'));
      router.all('/all/:id', say('all'));
      router.redirect('/old', '/new', 301);
    }),
    K11: routed((router, app) => {
      router.get('/throw/:id', () => {
        throw boom('thrown');
      });
      router.get('/reject/:id', async () => {
        await pause(5);
        throw boom('rejected');
      });
      router.get('/status/:code', (ctx) => ctx.throw(Number(ctx.params.code)));
      router.get('/named/:code', (ctx) => ctx.throw(Number(ctx.params.code), 'in words'));
      router.get('/assert/:id', (ctx) => ctx.assert(false, 401, 'who are you'));
      router.get('/string/:id', () => {
        throw 'a string';
      });
      router.get('/second/:id', pass, () => {
        throw boom('second handler');
      });
      router.get('/inner/:a', pass);
      router.get('/inner/:b', () => {
        throw boom('second route');
      });
      app.use((ctx, next) => {
        if (ctx.path === '/middleware') throw boom('in middleware');
        return next();
      });
    }),
    K12: () => {
      const catching = (status) => {
        const app = silent();
        app.use(async (ctx, next) => {
          try {
            await next();
          } catch (error) {
            ctx.status = status;
            ctx.body = `caught ${error.message}`;
          }
        });
        const router = new Router();
        router.get('/fail/:id', async () => {
          await pause(5);
          throw boom();
        });
        return app.use(router.routes());
      };
      const emitting = silent();
      const emitted = [];
      emitting.on('error', (error) => emitted.push(error.message));
      const router = new Router();
      router.get('/fail/:id', () => {
        throw boom();
      });
      router.get('/emitted', (ctx) => {
        ctx.body = emitted;
      });
      emitting.use(router.routes());
      return { 200: catching(200), 400: catching(400), 500: catching(500), event: emitting };
    },
    K13: () => {
      const allowing = (options) => {
        const router = new Router();
        router.get('/am/:id', say('am'));
        router.put('/am/:id', say('put'));
        return silent().use(router.routes()).use(router.allowedMethods(options));
      };
      return { quiet: allowing({ throw: false }), throwing: allowing({ throw: true }), plain: allowing() };
    },
    K14: routed((router) => {
      router.use(['/a', '/b'], pass);
      router.get('/a/known/:id', say('known'));
    }),
    K16: routed((router) => {
      router.get('/m/:got', say('got'));
      router.post('/m/:posted', say('posted'));
      router.put('/m/:put', say('put'));
      router.del?.('/m/:deleted', say('deleted'));
    }),
    K17: routed((router) => {
      const onOk = async (value, ctx, next) => {
        ctx.seen = value;
        await pause(5);
        return next();
      };
      router.param('ok', onOk);
      router.param('bad', () => {
        throw boom('thrown in param');
      });
      router.param('late', async () => {
        await pause(5);
        throw boom('rejected in param');
      });
      router.param('answer', (value, ctx) => {
        ctx.body = `param ${value}`;
      });
      for (const name of ['ok', 'bad', 'late', 'answer']) {
        router.get(`/${name}/:${name}`, (ctx) => {
          ctx.body = `route ${ctx.seen ?? ''}`;
        });
      }
      router.get('/facts', (ctx) => {
        const layer = router.stack.find((candidate) => candidate.path === '/ok/:ok');
        const param = layer.stack.find((fn) => fn.param === 'ok');
        ctx.body = [
          layer.stack.length,
          typeof param,
          param._originalFn === onOk,
          param.length,
          layer.stack.map((fn) => fn.name),
        ];
      });
    }),
    K18: () => {
      const app = silent();
      const router = new Router();
      app.use(router.routes());
      router.get('/late/:id', say('late'));
      return app;
    },
    K20: () => {
      const app = silent();
      let outcome = 'accepted';
      const deprecate = process.noDeprecation;
      process.noDeprecation = true;
      try {
        app.use(function* old(next) {
          yield next;
          this.set('X-Old', 'style');
        });
      } catch (error) {
        outcome = `${error.name} ${error.message}`;
      }
      process.noDeprecation = deprecate;
      const router = new Router();
      router.get('/g/:id', say(outcome));
      return app.use(router.routes());
    },
    K21: routed((router) => {
      router.get('/respond/:id', (ctx) => {
        ctx.respond = false;
        ctx.res.writeHead(201, { 'Content-Length': 3 });
        ctx.res.end('raw');
      });
      router.get('/raw/:id', (ctx) => {
        ctx.res.statusCode = 202;
        ctx.res.end('raw');
      });
      router.get('/stream/:id', (ctx) => {
        ctx.body = Readable.from(['one ', 'two']);
      });
      router.get('/broken/:id', (ctx) => {
        const stream = new PassThrough();
        stream.write('part');
        setTimeout(() => stream.destroy(boom('in stream')), 30);
        ctx.body = stream;
      });
      router.get('/early/:id', (ctx) => {
        ctx.body = new Readable({
          read() {
            this.destroy(boom('in stream'));
          },
        });
      });
      router.get('/sse/:id', (ctx) => {
        const stream = new PassThrough();
        ctx.type = 'text/event-stream';
        ctx.body = stream;
        stream.write('data: 1\n\n');
        setTimeout(() => stream.end('data: 2\n\n'), 100);
      });
      router.get('/null/:id', (ctx) => {
        ctx.body = null;
      });
      router.get('/download/:id', (ctx) => {
        ctx.attachment('big.bin');
        ctx.body = new Readable({
          read() {
            setTimeout(() => this.push(Buffer.alloc(16384)), 5);
          },
        });
      });
    }),
    K22: () => {
      const app = load('koa-websocket')(silent());
      const router = new Router();
      router.get('/page/:id', say('page'));
      app.use(router.routes());
      app.ws.use((ctx) => {
        ctx.websocket.on('message', (message) => ctx.websocket.send(`echo ${message}`));
      });
      return app;
    },
    K23: () => {
      if (!Object.hasOwn(Koa.prototype, 'currentContext') && koaMajor < 3) return undefined;
      const app = silent({ asyncLocalStorage: true });
      const router = new Router();
      router.get('/c/:id', async (ctx) => {
        await pause(5);
        const answer = await call(`/echo/${ctx.params.id}`);
        ctx.body = [app.currentContext === ctx, app.currentContext.path, answer];
      });
      return app.use(router.routes());
    },
    K25: () => {
      const shapes = {};
      for (const [name, Shape] of Object.entries({
        module: routerModule,
        Router: routerModule.Router,
        default: routerModule.default,
      })) {
        if (typeof Shape !== 'function') continue;
        const router = new Shape();
        router.get(`/${name}/:id`, say(name));
        shapes[name] = silent().use(router.routes());
      }
      const facts = new Router();
      const names = (value) => Object.getOwnPropertyNames(value).sort().join();
      facts.get('/facts', (ctx) => {
        ctx.body = [
          names(routerModule),
          names(Router.prototype),
          Router.name,
          Router.length,
          Router.prototype.get.length,
          names(Koa),
          Koa.name,
        ];
      });
      shapes.facts = silent().use(facts.routes());
      return shapes;
    },
    K26: () => {
      const route = load('koa-route');
      const TreeRouter = load('koa-tree-router');
      const tree = new TreeRouter();
      tree.get('/tree/:id', say('tree'));
      const shapes = {
        route: silent().use(
          route.get('/kr/:id', (ctx, id) => {
            ctx.body = id;
          }),
        ),
        tree: silent().use(tree.routes()),
        static: silent().use(load('koa-static')(staticFolder)),
        mount: silent().use(load('koa-mount')('/m', routed((router) => router.get('/in/:id', say('mounted')))())),
      };
      const { koaBody } = load('koa-body');
      shapes.body = routed((router) => {
        router.post('/b/:id', koaBody(), async (ctx) => {
          ctx.body = { body: ctx.request.body, answer: await call(`/echo/${ctx.params.id}`) };
        });
      })();
      const joi = load('koa-joi-router')();
      joi.get('/joi/:id', say('joi'));
      shapes.joi = silent().use(joi.middleware());
      return shapes;
    },
    K27: () => {
      const root = new Router();
      const sub = new Router();
      sub.get('/d/:did', async (ctx) => {
        await pause(Math.floor(Math.random() * 15));
        ctx.body = await call(`/echo/K27/${ctx.params.did}`);
      });
      nested(root, '/f/:fid', sub);
      return silent().use(root.routes());
    },
    K28: () => {
      const app = silent();
      app.use((ctx, next) => {
        if (ctx.path.startsWith('/before')) nameRoute(sensor, '/by/hand');
        if (ctx.path === '/rejected') {
          nameRoute(sensor, '/by/hand');
          ctx.throw(401, 'early');
        }
        return next();
      });
      const router = new Router();
      router.get('/before/:id', say('before'));
      router.get('/inside/:id', (ctx) => {
        nameRoute(sensor, '/by/hand');
        ctx.body = 'inside';
      });
      router.get('/failing/:id', () => {
        nameRoute(sensor, '/by/hand');
        throw boom();
      });
      return app.use(router.routes());
    },
  };
}

module.exports = { builders };
