// Proxies that keep the headers of the first response of their upstream, and pass them on with each of their own responses.
const http = require('node:http');
const express = require('express');
const Koa = require('koa');
const { serve } = require('./serve.cjs');

const upstream = process.env.DOWNSTREAM_URL;

function get(callback) {
  http.get(upstream, (response) => callback(response));
}

/** Headers without those of the connection and the body. */
function ofContent(headers) {
  const { connection, date, 'content-length': _length, 'transfer-encoding': _encoding, ...rest } = headers;
  return rest;
}

/** A listener that fetches once, and passes `use` the kept response headers and the response. */
function keeping(use) {
  let saved = null;
  return (_req, res) => {
    if (saved !== null) {
      use(res, saved);
      return;
    }
    get((response) => {
      response.resume();
      const headers = Object.freeze(ofContent(response.headers));
      const list = Object.freeze(Object.entries(headers).flat());
      const pairs = Object.freeze(Object.entries(headers).map((pair) => Object.freeze(pair)));
      saved = { headers, list, pairs };
      use(res, saved);
    });
  };
}

const ways = {
  object: keeping((res, { headers }) => res.writeHead(200, headers).end('x')),
  list: keeping((res, { list }) => res.writeHead(200, list).end('x')),
  pairs: keeping((res, { pairs }) => res.writeHead(200, pairs).end('x')),
  set: keeping((res, { pairs }) => {
    for (const [name, value] of pairs) res.setHeader(name, value);
    res.end('x');
  }),
  appended: keeping((res, { pairs }) => {
    for (const [name, value] of pairs) res.appendHeader(name, value);
    res.end('x');
  }),
  setAll: keeping((res, { headers }) => {
    for (const [name, value] of new Headers(headers)) res.setHeader(name, value);
    res.flushHeaders();
    res.end('x');
  }),
  setThenObject: keeping((res, { headers }) => {
    res.setHeader('Server-Timing', headers['server-timing']);
    res.writeHead(200, { 'X-A': '1' }).end('x');
  }),
  piped: (_req, res) => get((response) => response.pipe(res.writeHead(response.statusCode, response.headers))),
  pipedRaw: (_req, res) => get((response) => response.pipe(res.writeHead(response.statusCode, response.rawHeaders))),
};

function expressApp() {
  const app = express();
  const listener = keeping((res, { headers }) => res.set(headers).send('x'));
  app.get('/', listener);
  return app;
}

function koaApp() {
  const app = new Koa();
  let saved = null;
  app.use(async (ctx) => {
    saved ??= await new Promise((resolve) => get((response) => resolve(ofContent(response.resume().headers))));
    ctx.set(saved);
    ctx.body = 'x';
  });
  return app;
}

serve({ plain: () => ways, express: expressApp, koa: koaApp }, {});
