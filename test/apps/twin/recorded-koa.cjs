// The Koa application whose spans were recorded with the official sensor, rebuilt.
const http = require('node:http');
const Koa = require('koa');
const { Router } = require('@koa/router');

const downstream = process.env.DOWNSTREAM_URL;
const app = new Koa();
app.silent = true;
const router = new Router({ prefix: '/shop' });

router.get('/', (ctx) => {
  ctx.body = 'root';
});
router.get('/items/:item', (ctx) => {
  ctx.body = { item: ctx.params.item };
});
router.get('/boom', async () => {
  throw new Error('Boom from koa');
});
router.get('/teapot', (ctx) => {
  ctx.status = 418;
  ctx.body = 'x';
});
router.get('/call', async (ctx) => {
  await new Promise((resolve, reject) => {
    http
      .get(`${downstream}/from-koa`, (answer) => {
        answer.resume();
        answer.on('end', resolve);
      })
      .on('error', reject);
  });
  ctx.body = 'ok';
});

app.use(router.routes()).use(router.allowedMethods());
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
