// A server on Node.js alone, on Express or on Koa, two of whose paths call downstream by http and by fetch.
const http = require('node:http');
const { call, downstream, listen, loadSensor, obeyStdin } = require('./serve.cjs');

const sensor = loadSensor();
if (sensor && process.env.CODE_OPTIONS) sensor.configure(JSON.parse(process.env.CODE_OPTIONS));

async function work() {
  if (process.env.BY_HAND) sensor?.tracer.startSpan('by hand').finish();
  const first = await call('/ok/http');
  const second = await (await fetch(`${downstream}/ok/fetch`)).text();
  return `${first} ${second}`;
}

/** What the sensor says of itself; `off` by the query is handed to `configure()` before. */
function tell(url) {
  const off = new URL(url, 'http://x').searchParams.get('off');
  if (off !== null) sensor?.configure({ tracing: { disable: off.split(',') } });
  return JSON.stringify(sensor?.status().modules.filter(({ state }) => state === 'disabled') ?? []);
}

const builders = {
  http: () =>
    http.createServer(async (req, res) => {
      res.end(req.url.startsWith('/status') ? tell(req.url) : await work());
    }),
  express: () => {
    const app = require('express')();
    app.get('/status', (req, res) => res.send(tell(req.url)));
    app.all('/:place', async (_req, res) => res.send(await work()));
    return app;
  },
  koa: () => {
    const Koa = require('koa');
    const { Router } = require('@koa/router');
    const router = new Router();
    router.get('/status', (ctx) => {
      ctx.body = tell(ctx.url);
    });
    router.all('/:place', async (ctx) => {
      ctx.body = await work();
    });
    return new Koa().use(router.routes());
  },
};

listen(builders[process.env.FRAMEWORK]()).then((port) => {
  obeyStdin();
  process.stdout.write(`listening ${JSON.stringify({ app: port })}\n`);
});
