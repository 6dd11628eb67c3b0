// Routes of Express with lists of paths, and routers whose parameters have callbacks that wait.
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { serve } = require('../serve.cjs');

const express = createRequire(join(__dirname, '..', 'versions', process.env.EXPRESS_FOLDER, 'app.cjs'))('express');

const send = (req, res) => res.end(req.baseUrl + req.url);
const numbered = (count, form) => Array.from({ length: count }, (_, index) => form(index));

/** Counts the expressions that are executed while a request is handled. */
function counting() {
  const { exec } = RegExp.prototype;
  return (req, res, next) => {
    if (req.query.count === undefined) return next();
    let executed = 0;
    RegExp.prototype.exec = function (text) {
      executed++;
      return exec.call(this, text);
    };
    const { end } = res;
    res.end = (...args) => {
      RegExp.prototype.exec = exec;
      res.setHeader('x-executed', executed);
      return end.apply(res, args);
    };
    next();
  };
}

function lists() {
  const app = express();
  app.use(counting());
  app.get('/single', send);
  app.get(
    numbered(200, (index) => `/literal${index}`),
    send,
  );
  app.get(
    numbered(200, (index) => `/parameter${index}/:id`),
    send,
  );
  app.get([['/nested/a', ['/nested/b']], '/nested/c'], send);
  app.get(['/first/:id', '/first/x'], send);
  app.get([/^\/expression\/(\d+)$/, '/expression/:name'], send);
  app.get(['/Case/one', '/case/two'], send);
  app.get(['/encoded/a', '/encoded/:id'], send);
  app.use(['/prefix', '/other/:id'], (_req, res) => res.end());
  const strict = express.Router({ strict: true });
  strict.get(['/a', '/a/'], send);
  app.use('/strict', strict);
  const sensitive = express.Router({ caseSensitive: true });
  sensitive.get(['/b', '/B'], send);
  app.use('/sensitive', sensitive);
  const mounted = express.Router({ mergeParams: true });
  mounted.get(['/x', '/y/:id'], send);
  app.use(['/in/:a', '/into/:b'], mounted);
  return app;
}

/** The callback for `org` waits if its value is `slow`, until a request passes with another value and releases it. */
function parameters(mergeParams) {
  const waiting = [];
  const wait = (value, next) => {
    if (!value.startsWith('slow')) next();
    else waiting.push(next);
  };
  const app = express();
  app.get('/release', (_req, res) => {
    for (const next of waiting.splice(0)) next();
    res.end();
  });
  app.get('/waiting', (_req, res) => res.end(String(waiting.length)));
  const router = express.Router({ mergeParams });
  router.param('org', (_req, _res, next, value) => wait(value, next));
  router.param('id', (_req, res, next, value) => {
    if (value === 'none') res.status(404).end('none');
    else if (value === 'broken') next(Object.assign(new Error('broken'), { status: 500 }));
    else next();
  });
  router.get('/a/:org/:id', send);
  router.get('/b/:org/:id', send);
  router.get(['/list/:org/one/:id', '/list/:org/two/:id'], send);
  router.get('/next/:org', (_req, _res, next) => next('route'));
  router.get('/next/:name', send);
  const inner = express.Router({ mergeParams });
  inner.param('id', (_req, _res, next, value) => wait(value, next));
  inner.get('/leaf/:id', send);
  inner.get('/other/:id', send);
  router.use('/inner/:org', inner);
  app.use('/m/:space', router);
  app.use('/twice', router);
  app.use((error, _req, res, _next) => res.status(error.status ?? 500).end(error.message));
  return app;
}

serve({ app: lists, merged: () => parameters(true), plain: () => parameters(false) });
