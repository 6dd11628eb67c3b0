// Express apps of the conformance cases, by case id. `express` is handed in, so that one list serves every major.
const http = require('node:http');
const path = require('node:path');
const { AsyncLocalStorage } = require('node:async_hooks');
const { handlers } = require('./handlers.cjs');
const { call, loadSensor, nameRoute, pause } = require('./serve.cjs');

const staticFolder = path.join(__dirname, 'static');
const sensor = loadSensor();

const send = (text) => (_req, res) => res.send(text);
const pass = (_req, _res, next) => next();
const boom = (message = 'boom') => new Error(message);
const fail = (_req, _res, next) => next(boom());

// Express recognises error handlers by their four parameters.
const showError = (err, _req, res, _next) => {
  const status = err?.status ?? 500;
  res.status(status).send(`handled ${typeof err === 'object' ? err.message : String(err)}`);
};

/** `context`: { express, major, require } – `require` resolves in the folder of the version. */
function builders({ express, major, require: load }) {
  const v4 = major === 4;

  /** An app without Express' default pages in development mode, built by `routes`. */
  const app =
    (routes, settings = {}) =>
    () => {
      const made = express();
      for (const [name, value] of Object.entries(settings)) made.set(name, value);
      routes(made);
      return made;
    };
  const router = (routes, options) => {
    const made = express.Router(options);
    routes(made);
    return made;
  };

  const raw = {};
  for (const [id, handler] of Object.entries(handlers)) raw[id] = app((a) => a.use((req, res) => handler(req, res)));

  return {
    ...raw,
    H3: app((a) => {
      a.use('/a', (req, _res, next) => {
        req.url = '/rewritten?secret=zzz';
        next();
      });
      a.use('/a/rewritten', (req, res) => res.send(req.originalUrl));
    }),
    H5: app((a) => a.get('/h/:id', send('hello'))),
    H6: app((a) => {
      a.get('/o/:id', send('o'));
      a.use(
        '/in',
        router((r) => r.get('/o/:id', send('o')).put('/p/:id', send('p'))),
      );
    }),
    H7: app((a) => {
      a.get('/s/:status', (req, res) => res.status(Number(req.params.status)).send('no'));
    }),
    H8: app((a) => a.get('/s/:status', (req, res) => res.status(Number(req.params.status)).send('broken'))),
    H9: app((a) => a.get('/slow/:id', handlers.H9)),
    H10: app((a) => a.get('/stream/:id', handlers.H10)),
    H30: () => ({
      trusting: app((a) => a.get('/ip', (req, res) => res.json([req.hostname, req.protocol, req.ip, req.ips])), {
        'trust proxy': true,
      })(),
      distrusting: app((a) => a.get('/ip', (req, res) => res.json([req.hostname, req.protocol, req.ip, req.ips])))(),
    }),
    H32: app((a) => {
      a.use(express.static(staticFolder, { lastModified: false }));
      a.use('/files', express.static(staticFolder, { lastModified: false }));
      a.get('/sent/:name', (req, res) => res.sendFile(req.params.name, { root: staticFolder, lastModified: false }));
    }),

    E1: app((a) => a.get('/u/:id', (req, res) => res.send(req.params.id))),
    E2: app((a) =>
      a.use(
        '/app',
        router((r) => r.get('/user/:id', send('user'))),
      ),
    ),
    E3: app((a) => {
      const leaf = router((r) => r.get('/bar/:id', send('bar')));
      const middle = router((r) => r.use('/sub', leaf));
      a.use('/sub', middle);
    }),
    E4: app((a) => {
      const posts = router((r) => r.get('/posts/:pid', (req, res) => res.json(req.params)), { mergeParams: true });
      a.use('/users/:id', posts);
      a.use(
        '/orgs/:org',
        router((r) =>
          r.use(
            '/teams/:team',
            router((t) => t.get('/', send('team'))),
          ),
        ),
      );
    }),
    E5: app((a) => {
      const child = express();
      child.get('/child', send('child'));
      a.use('/parent', child);
      const inner = express();
      inner.get('/in/:k', send('in'));
      a.use('/sub/:s', inner);
      const deep = express();
      deep.use('/deep', inner);
      a.use('/outer', deep);
    }),
    E7: app((a) => {
      const auth = (_req, res, next) => {
        res.set('X-Auth', 'yes');
        next();
      };
      const one = router((r) => r.get('/a/:id', send('a')));
      const two = router((r) => r.get('/b/:id', send('b')));
      a.use('/api', auth, one, two);
      a.use('/listed', [auth, one], two);
    }),
    E8: app((a) => {
      a.use(
        ['/a', '/b'],
        router((r) => r.get('/x/:id', send('x'))),
      );
      a.get(['/c/:x', '/d/:y'], (req, res) => res.json(req.params));
      a.get(['/e/:x', /^\/f\/(\d+)$/], send('mixed'));
      if (v4) a.get([['/n1/:x'], ['/n2/:y', '/n3']], send('nested'));
      a.use(
        ['/m/:one', '/k/:two'],
        router((r) => r.get(['/p', '/q/:q'], send('inner'))),
      );
    }),
    E9: app((a) => {
      a.get(/^\/re\/(\d+)$/, send('re'));
      a.get(/^\/flag\/[a-z]+$/i, send('flags'));
      a.use(/^\/(very|long|mount|words)/, pass);
      a.get('/very/plain', send('very'));
      a.use(
        '/app',
        router((r) => r.get(/^\/x(\d+)$/, send('x'))),
      );
      a.use(
        /^\/m(\d+)/,
        router((r) => r.get('/in/:id', send('in'))),
      );
    }),
    E10: app((a) => {
      if (v4) {
        a.get('/files/*', send('files'));
        a.get('/p/:path(*)', send('path'));
        a.get('/n/:id(\\d+)?', send('optional'));
        a.get('*', send('all'));
      } else {
        a.get('/files/*splat', send('files'));
        a.get('/n{/:id}', send('optional'));
        a.get('/{*splat}', send('all'));
      }
    }),
    E11: app((a) => {
      a.route('/x').get(send('got')).post(send('posted'));
      a.all('/all/:id', send('all'));
      a.use(
        '/r',
        router((r) => {
          r.all('/all/:id', send('router all'));
          r.route('/y/:id').all(pass).put(send('put'));
        }),
      );
    }),
    E12: app((a) => {
      a.get('/list/:id', [pass, pass, send('list')]);
      a.get('/many/:id', pass, pass, send('many'));
      a.get('/nested/:id', [pass, [pass, [pass]]], [send('nested')]);
      a.get('/second/:id', [pass, send('second'), send('never')]);
    }),
    E13: app((a) => {
      a.param('ok', (req, _res, next, value) => {
        req.seen = value;
        next();
      });
      a.param('answer', (_req, res, _next, value) => res.send(`param ${value}`));
      a.param('err', (_req, _res, next) => next(boom('from param')));
      a.param('throw', () => {
        throw boom('thrown in param');
      });
      a.param('later', (_req, _res, next) => setTimeout(next, 5));
      if (!v4) {
        a.param('reject', async () => {
          throw boom('rejected in param');
        });
      }
      for (const name of ['ok', 'answer', 'err', 'throw', 'later', 'reject']) {
        a.get(`/${name}/:${name}`, (req, res) => res.send(`route ${req.seen ?? ''}`));
      }
      a.use(
        '/r',
        router((r) => {
          r.param('id', (_req, _res, next) => next(boom('from router param')));
          r.get('/item/:id', send('item'));
        }),
      );
    }),
    E14: app((a) => {
      a.use('/test', send('test'));
      a.use('/mw/:m', (req, res) => res.send(req.params.m));
      a.use(
        '/outer',
        router((r) => {
          r.use('/inner', send('inner'));
          r.use(send('router'));
        }),
      );
      a.use((req, res, next) => (req.path === '/none' ? res.send('none') : next()));
    }),
    E16: app((a) => {
      const reasons = {
        error: () => boom('an error'),
        type: () => new TypeError('a type error'),
        string: () => 'a string',
        number: () => 42,
        object: () => ({ message: 'an object', code: 'E_OBJ' }),
        status: () => Object.assign(boom('with status'), { status: 404 }),
        created: () => load('http-errors')(403, 'not you'),
        long: () => boom('x'.repeat(500)),
        null: () => null,
        zero: () => 0,
        empty: () => '',
        undefined: () => undefined,
        false: () => false,
        route: () => 'route',
        router: () => 'router',
      };
      for (const [name, reason] of Object.entries(reasons)) {
        a.get(`/r/${name}/:id`, (_req, _res, next) => next(reason()), send('second handler'));
      }
      a.get('/r/:what/:id', send('next route'));
      a.use(
        '/via',
        router((r) => r.get('/:id', fail)),
      );
      a.use(showError);
    }),
    E17: app((a) => {
      const thrower = () => {
        throw boom('thrown');
      };
      a.get('/handler/:id', thrower);
      a.get('/second/:id', pass, thrower);
      a.get('/string/:id', () => {
        throw 'a thrown string';
      });
      a.use(
        '/router',
        router((r) => r.get('/in/:id', thrower)),
      );
      const nested = express();
      nested.get('/in/:id', thrower);
      a.use('/nested', nested);
      a.param('bad', thrower);
      a.get('/param/:bad', send('never'));
      a.use((req, _res, next) => {
        if (req.path === '/middleware') throw boom('thrown');
        next();
      });
    }),
    E18: app((a) => {
      a.get('/reject/:id', async () => {
        await pause(5);
        throw boom('rejected');
      });
      a.get('/now/:id', async () => {
        throw boom('rejected');
      });
      a.use(
        '/r',
        router((r) => r.get('/reject/:id', async () => Promise.reject(boom('rejected')))),
      );
      a.get('/fine/:id', async (_req, res) => {
        await pause(5);
        res.send('fine');
      });
      a.use(showError);
    }),
    E19: () => {
      const handled = (...errorHandlers) =>
        app((a) => {
          a.get('/fail/:id', (_req, _res, next) => next(boom('first')));
          a.use(...errorHandlers);
        })();
      return {
        200: handled((_err, _req, res, _next) => res.status(200).send('fine')),
        400: handled((_err, _req, res, _next) => res.status(400).send('yours')),
        500: handled((_err, _req, res, _next) => res.status(500).send('ours')),
        next: handled((_err, _req, _res, next) => next()),
        nextAnswered: handled(
          (_err, _req, _res, next) => next(),
          (_req, res) => res.send('answered later'),
        ),
        again: handled((_err, _req, _res, _next) => {
          throw boom('second');
        }),
        async: handled(async (err, _req, res, _next) => {
          await pause(5);
          res.status(503).send(`async ${err.message}`);
        }),
        path: handled('/fail', (_err, _req, res, _next) => res.status(500).send('mounted')),
        router: handled(router((r) => r.use((_err, _req, res, _next) => res.status(500).send('in router')))),
      };
    },
    E20: () => ({
      test: app((a) => a.get('/fail/:id', fail), { env: 'test' })(),
      production: app((a) => a.get('/fail/:id', fail), { env: 'production' })(),
    }),
    E21: app((a) => {
      a.use('/foo', pass);
      a.use(
        '/bar',
        router((r) => r.get('/x', send('x'))),
      );
      a.use(
        '/foo',
        router((r) => r.get('/y/:id', send('y'))),
      );
      a.use(pass);
      a.get('/z/:id', send('z'));
    }),
    E22: app((a) => {
      a.get('/answered/:id', pass);
      a.get('/one/:a', pass);
      a.get('/one/:b', send('second route'));
      a.get('/skip/:a', (_req, _res, next) => next('route'), send('never'));
      a.get('/skip/:b', send('after skip'));
      a.use(
        '/leave',
        router((r) => {
          r.get('/:a', (_req, _res, next) => next('router'));
          r.get('/:a', send('never'));
        }),
      );
      a.get('/leave/:b', send('after router'));
      a.get('/lost/:id', pass);
      a.use((req, res, next) => (req.path.startsWith('/answered') ? res.send('by middleware') : next()));
    }),
    E24: () => {
      const inner = app((a) => a.get('/v/:id', send('v')))();
      const other = app((a) => a.get('/w/:id', send('w')))();
      return {
        handle: http.createServer((req, res) => inner.handle(req, res)),
        handleWithCallback: http.createServer((req, res) => inner.handle(req, res, () => res.end('nobody'))),
        called: http.createServer((req, res) => inner(req, res)),
        connect: load('connect')().use(inner),
        chain: http.createServer((req, res) => inner(req, res, () => other(req, res))),
        vhost: app((a) => {
          a.use(load('vhost')('a.test', inner));
          a.use(load('vhost')('b.test', other));
        })(),
        later: http.createServer((req, res) => setTimeout(() => inner(req, res), 5)),
      };
    },
    E25: () => {
      // express-slash reads `app._router`, which Express 5 has no more.
      const slash = app(
        (a) => {
          a.get('/slash/', send('slash'));
          a.use(load('express-slash')());
        },
        { 'strict routing': true },
      );
      const shapes = { layers: app((a) => surgery(a, express))() };
      return v4 ? { ...shapes, slash: slash() } : shapes;
    },
    E26: app((a) => arities(a)),
    E27: () => manyMiddlewares(express, load),
    E28: app((a) => {
      const storage = new AsyncLocalStorage();
      const queue = [];
      setInterval(() => {
        for (const task of queue.splice(0)) task();
      }, 5).unref();
      a.use('/exit', (_req, _res, next) => storage.exit(() => next()));
      a.use('/queue', (_req, _res, next) => queue.push(next));
      a.get('/exit/:id', send('exit'));
      a.get('/queue/:id', send('queue'));
      a.get('/queue/fail/:id', fail);
    }),
    E29: app((a) => {
      a.set('views', __dirname);
      a.engine('broken', (_file, _options, done) => done(boom('cannot render')));
      a.get('/double/:id', (_req, _res, next) => {
        next();
        next();
      });
      a.get('/double/:id', (_req, res) => {
        if (!res.headersSent) res.send('once');
      });
      a.get('/after/:id', (_req, res, next) => {
        res.send('sent');
        next();
      });
      a.get('/redirect/:id', (_req, res) => res.redirect('/elsewhere'));
      a.get('/file/:id', (_req, res) => res.sendFile(path.join(staticFolder, 'file.txt'), { lastModified: false }));
      a.get('/nofile/:id', (_req, res) => res.sendFile(path.join(staticFolder, 'absent.txt')));
      a.get('/render/:id', (_req, res) => res.render('view.broken'));
      a.get('/jsonp/:id', (_req, res) => res.jsonp({ a: 1 }));
      a.get('/status/:id', (_req, res) => res.sendStatus(204));
      a.use((err, _req, res, next) => (res.headersSent ? next(err) : res.status(err.status ?? 500).send(err.name)));
    }),
    E30: app((a) => {
      a.use('/before', (_req, _res, next) => {
        nameRoute(sensor, '/by/hand');
        next();
      });
      a.get('/before/:id', send('before'));
      a.get('/inside/:id', (_req, res) => {
        nameRoute(sensor, '/by/hand');
        res.send('inside');
      });
      a.use('/rejected', (_req, res) => {
        nameRoute(sensor, '/by/hand');
        res.status(401).send('early');
      });
      a.get('/failing/:id', (_req, _res, next) => {
        nameRoute(sensor, '/by/hand');
        next(boom());
      });
    }),
    E31: () => ({
      sensitive: app((a) => a.get('/Case/:id', send('case')), { 'case sensitive routing': true })(),
      insensitive: app((a) => a.get('/Case/:id', send('case')))(),
      strict: app((a) => a.get('/strict/:id/', send('strict')), { 'strict routing': true })(),
      trailing: app((a) => {
        a.get('/', send('root'));
        a.get('/slash/:id/', send('slash'));
        a.use(
          '/mount/',
          router((r) => r.get('/', send('mounted root'))),
        );
      })(),
      query: app((a) => a.get('/q', (req, res) => res.json(req.query)), { 'query parser': 'extended' })(),
      proxy: app((a) => a.get('/ip', (req, res) => res.json([req.ip, req.ips, req.secure])), { 'trust proxy': true })(),
    }),
    E33: app((a) => {
      const getter = () => {
        try {
          return typeof a.router;
        } catch (error) {
          return error.name;
        }
      };
      const names = (value) => Object.getOwnPropertyNames(value).sort();
      a.get('/shape', (_req, res) =>
        res.json({
          router: getter(),
          routerType: typeof express.Router,
          routerName: express.Router.name,
          routerLength: express.Router.length,
          own: names(express.Router),
          route: typeof express.Router.route,
          prototype: names(express.Router.prototype ?? {}),
          routeMethods: names(express.Route.prototype),
          application: names(express.application),
          handle: [a.handle.name, a.handle.length, a.use.name, a.use.length, a.get.length],
        }),
      );
    }),
    E34: app((a) => {
      a.get('/slow/:id', (_req, res, next) => {
        res.on('close', () => setTimeout(() => next(boom('too late')), 50));
      });
      a.use(showError);
    }),
  };
}

/** Apps that read and change Express' layers: what they see must be what they put there. */
function surgery(a, express) {
  const own = Object.assign(
    function named(_req, res) {
      res.send('own');
    },
    { custom: 'property' },
  );
  const frozen = Object.freeze(function frozen(_req, res) {
    res.send('frozen');
  });
  const inner = express.Router();
  inner.get('/own/:id', own);
  inner.get('/frozen/:id', frozen);
  inner.use('/used', own);
  a.use('/in', inner);

  const facts = (fn) => [
    fn.name,
    fn.length,
    Object.getOwnPropertyNames(fn).sort().join(),
    fn.custom ?? null,
    Object.isFrozen(fn),
  ];
  a.get('/facts', (_req, res) => {
    const [first, second, third] = inner.stack;
    res.json({
      identity: [first.route.stack[0].handle === own, second.route.stack[0].handle === frozen, third.handle === own],
      own: facts(first.route.stack[0].handle),
      frozen: facts(second.route.stack[0].handle),
      route: [typeof first.handle, first.handle.name, first.route.path, Object.keys(first.route.methods)],
      layers: inner.stack.map((layer) => [layer.name, Object.keys(layer).sort().join()]),
    });
  });

  const sorted = express.Router();
  sorted.get('/s/:late', (_req, res) => res.send('late'));
  sorted.get('/s/:early', (_req, res) => res.send('early'));
  sorted.stack.reverse();
  a.use('/sorted', sorted);

  const replaced = express.Router();
  replaced.get('/:id', (_req, res) => res.send('original'));
  replaced.stack[0].route.stack[0].handle = (_req, res) => res.send('replaced');
  a.use('/replaced', replaced);

  const lifted = express.Router();
  lifted.stack.push(...inner.stack.slice(0, 1));
  a.use('/lifted', lifted);

  const removed = express.Router();
  removed.get('/:id', (_req, res) => res.send('removed'));
  removed.get('/:other', (_req, res) => res.send('left'));
  removed.stack.shift();
  a.use('/removed', removed);
}

/** Handlers of every shape: Express tells normal and error handlers apart by `length`. */
function arities(a) {
  a.get('/0/:id', function none() {
    // A handler without parameters is what this is about.
    arguments[1].send('0');
  });
  a.get('/1/:id', (req) => req.res.send('1'));
  a.get('/2/:id', (_req, res) => res.send('2'));
  a.get(
    '/3/:id',
    (_req, _res, next) => next(),
    (_req, res, _next) => res.send('3'),
  );
  a.get(
    '/4/:id',
    (_err, _req, res, _next) => res.send('skipped'),
    (_req, res) => res.send('after four'),
  );
  a.get(
    '/5/:id',
    (_a, _b, _c, _d, _e) => {},
    (_req, res) => res.send('after five'),
  );
  a.get('/rest/:id', (...args) => args[1].send(`rest ${args.length}`));
  a.get('/default/:id', (_req, res, _next = null) => res.send('default'));
  a.get(
    '/bound/:id',
    function bound(_req, res) {
      res.send(this.word);
    }.bind({ word: 'bound' }),
  );
  class Controller {
    show(_req, res) {
      res.send('method');
    }
  }
  a.get('/method/:id', new Controller().show);
  a.get(
    '/generator/:id',
    function* generator(_req, res) {
      yield res.send('never runs');
    },
    (_req, res) => res.send('after generator'),
  );
  a.get('/fails/:id', fail);
  a.use((_req, _res, next) => next());
  a.use((...args) => args.at(-1)(args.length === 4 ? args[0] : undefined));
  a.use(
    function fourBound(err, _req, res, _next) {
      res.status(500).send(`${this.word} ${err.message}`);
    }.bind({ word: 'bound' }),
  );
}

/** The usual middlewares, more than fifteen of them, and an outgoing call behind each body parser. */
function manyMiddlewares(express, load) {
  const multer = load('multer');
  const usual = () => {
    const a = express();
    a.use(load('morgan')('tiny', { stream: { write() {} } }));
    a.use(load('helmet')());
    a.use(load('cors')());
    a.use(load('compression')({ threshold: 0 }));
    a.use(load('connect-timeout')('5s'));
    a.use(load('express-session')({ secret: 'test', resave: false, saveUninitialized: true, genid: () => 'fixed' }));
    for (let n = 0; n < 12; n += 1) {
      a.use((_req, res, next) => {
        res.on('finish', () => {});
        next();
      });
    }
    return a;
  };
  const answer = (req, res, next) => {
    call(`/echo/${req.params.id}`).then(
      (text) => res.json({ text, body: req.body, file: req.file?.originalname }),
      next,
    );
  };
  const a = usual();
  a.post('/json/:id', load('body-parser').json(), answer);
  a.post('/form/:id', load('body-parser').urlencoded({ extended: false }), answer);
  a.post('/own/:id', express.json(), answer);
  a.post('/upload/:id', multer({ storage: multer.memoryStorage() }).single('file'), answer);
  a.post('/events/:id', (req, res, next) => {
    req.resume();
    req.once('end', () => answer(req, res, next));
  });
  a.get('/plain/:id', answer);
  const timed = express();
  timed.use(load('connect-timeout')('60ms'));
  timed.get('/timeout/:id', () => {});
  return { usual: a, timed };
}

module.exports = { builders };
