// A Koa application: a route with a parameter, and one with a call out.
const Koa = require('koa');
const { Router } = require('@koa/router');
const http = require('node:http');
const { call, keepAlive } = require('./control.cjs');

const router = new Router();
router.get('/hello/:name', (ctx) => {
  ctx.body = `hello ${ctx.params.name}`;
});
router.get('/call/:id', async (ctx) => {
  await new Promise((resolve) => call(resolve));
  ctx.body = 'called';
});
const app = new Koa();
app.use(router.routes());
keepAlive(http.createServer(app.callback()));
