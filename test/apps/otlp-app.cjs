// A service as users write it: a route that calls another, one that fails, a span by hand; HTTPS=1 serves with TLS.
const { readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { join } = require('node:path');
const express = require('express');
const { configure, status, tracer } = require('@instana/ts-sensor');
const { call, listen, obeyStdin } = require('./serve.cjs');

const app = express();
app.get('/users/:id', async (_req, res) => {
  const span = tracer.startSpan('load user', { tags: { rows: 1 } });
  await tracer.withActiveSpan(span, () => call('/ok?q=1'));
  span.finish();
  await call('/status/404');
  res.end('done');
});
app.get('/fails', () => {
  throw new TypeError('no such thing');
});
app.get('/plain', (_req, res) => res.end('done'));
app.get('/rename', (_req, res) => {
  configure({ serviceName: 'renamed' });
  res.end('done');
});
app.get('/status', (_req, res) => res.json(status()));
app.use((_error, _req, res, _next) => res.status(500).end('failed'));

const certificate = (name) => readFileSync(join(__dirname, 'certificate', name));
const server =
  process.env.HTTPS === '1'
    ? https.createServer({ cert: certificate('cert.pem'), key: certificate('key.pem') }, app)
    : http.createServer(app);

listen(server).then((port) => {
  obeyStdin();
  process.stdout.write(`listening ${JSON.stringify({ app: port })}\n`);
});
