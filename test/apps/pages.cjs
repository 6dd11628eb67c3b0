// Servers of pages with the snippet: by template engines and by hand, at once, in pieces and after a while.
const { EventEmitter } = require('node:events');
const { createRequire } = require('node:module');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const ejs = require('ejs');
const express5 = require('express');
const Koa = require('koa');
const pug = require('pug');
const { configure, eumSnippet, tracer } = require('@instana/ts-sensor');
const { hostilePage } = require('./hostile.cjs');
const { pause, serve } = require('./serve.cjs');

configure({ eumApiKey: 'key-by-code' });

const express4 = createRequire(path.join(__dirname, 'versions/express-4/app.cjs'))('express');
const views = path.join(__dirname, 'views');
const view = (file) => path.join(views, file);
const atLoad = eumSnippet();
const title = 'A page';

/** What a page asks of the snippet, by its query: `eum` as JSON. */
const askedOf = (query) => (typeof query.eum === 'string' ? JSON.parse(query.eum) : {});

const page = (head, body = '<p>hello</p>') =>
  `<!doctype html>\n<html><head><title>${title}</title>${head}</head><body>${body}</body></html>\n`;

/** Comes after a time of its own, by a timer, a promise and an event. */
async function later(value) {
  const emitter = new EventEmitter();
  setTimeout(() => emitter.emit('done'), Math.random() * 20);
  await new Promise((resolve) => emitter.once('done', resolve));
  await pause(Math.random() * 5);
  return value;
}

const helpers = {
  eumSnippet,
  later,
  snippetLater: async (eum) => {
    await later();
    return eumSnippet(eum);
  },
};

/** The head first, the snippet in the second piece, then the rest. */
async function streamTo(stream, eum) {
  stream.write(`<!doctype html>\n<html><head><title>${await later(title)}</title>`);
  await later();
  stream.write(eumSnippet(eum));
  await later();
  stream.write('</head><body><p>hello');
  await later();
  stream.end('</p></body></html>\n');
}

/** Work that belongs to no request, though requests ask for it: a timer from before the first one sees to it. */
const questions = [];
setInterval(() => {
  for (const answer of questions.splice(0)) answer(eumSnippet());
}, 5).unref();

const byHand = (eum) => {
  const span = tracer.startSpan('by hand');
  const html = tracer.withActiveSpan(span, () => eumSnippet(eum));
  span.finish();
  return html;
};

function expressPages(express) {
  const app = express();
  app.set('views', views);
  app.set('view engine', 'ejs');
  Object.assign(app.locals, helpers, { title });
  app.use((req, res, next) => {
    res.locals.eum = askedOf(req.query);
    const policy = req.query.policy;
    if (policy !== undefined) res.setHeader('Content-Security-Policy', policy);
    next();
  });
  app.get('/ejs', (_req, res) => res.render('page'));
  app.get('/ejs-async', (_req, res, next) => {
    const data = { ...app.locals, ...res.locals };
    ejs.renderFile(view('page-async.ejs'), data, { async: true }).then((html) => res.send(html), next);
  });
  app.get('/pug', (_req, res) => res.render('page.pug'));
  app.get('/string', (_req, res) => res.send(page(eumSnippet(res.locals.eum))));
  app.get('/body', (_req, res) => res.send(page('', `<p>hello</p>${eumSnippet(res.locals.eum)}`)));
  app.get('/streamed', (_req, res) => {
    res.type('html');
    return streamTo(res, res.locals.eum);
  });
  app.get('/by-hand', (_req, res) => res.send(page(byHand(res.locals.eum))));
  app.get('/outside', (_req, res) => {
    questions.push((inTimer) => res.json({ atLoad, inTimer }));
  });
  app.get('/hostile', (req, res) => {
    res.send(hostilePage(req.query, eumSnippet));
  });
  const reports = [];
  app.post('/reports', express.json({ type: () => true }), (req, res) => {
    reports.push(req.body);
    res.sendStatus(204);
  });
  app.get('/reports', (_req, res) => res.json(reports));
  return app;
}

function koaPages() {
  const app = new Koa();
  const compiled = pug.compileFile(view('page.pug'));
  const render = (file, eum, options) => ejs.renderFile(view(file), { ...helpers, title, eum }, options);
  const pages = {
    '/ejs': (eum) => render('page.ejs', eum),
    '/ejs-async': (eum) => render('page-async.ejs', eum, { async: true }),
    '/pug': (eum) => compiled({ ...helpers, title, eum }),
    '/string': (eum) => page(eumSnippet(eum)),
    '/body': (eum) => page('', `<p>hello</p>${eumSnippet(eum)}`),
    '/streamed': (eum) => {
      const stream = new PassThrough();
      streamTo(stream, eum);
      return stream;
    },
    '/by-hand': (eum) => page(byHand(eum)),
  };
  app.use(async (ctx) => {
    if (ctx.path === '/outside') {
      ctx.body = await new Promise((resolve) => questions.push((inTimer) => resolve({ atLoad, inTimer })));
      return;
    }
    const body = await pages[ctx.path]?.(askedOf(ctx.query));
    if (body === undefined) return;
    ctx.type = 'html';
    ctx.body = body;
  });
  return app;
}

serve({ express5: () => expressPages(express5), express4: () => expressPages(express4), koa: koaPages });
