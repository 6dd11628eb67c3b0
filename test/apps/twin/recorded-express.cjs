// The Express application whose spans were recorded with the official sensor, rebuilt; what it did by the official sensor's own
// API it does here by OpenTracing.
const http = require('node:http');
const express = require('express');
const { configure, tracer } = require('@instana/ts-sensor');
const { followsFrom } = require('opentracing');

const downstream = process.env.DOWNSTREAM_URL;
if (process.env.SERVICE_NAME_IN_CODE) configure({ serviceName: process.env.SERVICE_NAME_IN_CODE });
const app = express();

app.get('/', (_req, res) => res.send('hello'));

const api = express.Router();
api.get('/users/:id', (req, res) => {
  tracer.currentSpan().setTag('user', req.params.id);
  res.json({ id: req.params.id });
});
app.use('/api', api);

app.get('/client', (req, res) => {
  http
    .get(req.query.to ?? `${downstream}/downstream?secretToken=abc&plain=1`, (answer) => {
      answer.resume();
      answer.on('end', () => res.send(`status ${answer.statusCode}`));
    })
    .on('error', (error) => res.send(`client error ${error.code}`));
});

app.get('/client-opts', (_req, res) => {
  const { hostname, port } = new URL(downstream);
  const request = http.request(
    {
      hostname,
      port,
      path: '/with-opts?password=hunter2&a=b',
      method: 'POST',
      headers: { 'X-Show-Me': 'from client' },
    },
    (answer) => {
      answer.resume();
      answer.on('end', () => res.send('ok'));
    },
  );
  request.end('body');
});

app.get('/fetch', async (_req, res) => {
  const answer = await fetch(`${downstream}/via-fetch?key=k1&x=y`);
  await answer.text();
  res.send(`status ${answer.status}`);
});

app.get('/boom', () => {
  throw new Error('Boom from handler');
});

app.get('/status/:code', (req, res) => {
  res.status(Number(req.params.code)).send('x');
});

app.get('/sdk', (_req, res) => {
  const span = tracer.startSpan('custom-intermediate', { tags: { 'a.tag': 'v', nested: { k: 1 } } });
  setTimeout(() => {
    span.setTag('done', true);
    span.finish();
    res.send('ok');
  }, 2);
});

app.get('/sdk-exit', (_req, res) => {
  const span = tracer.startSpan('custom-exit', { tags: { 'span.kind': 'client', q: 'x' } });
  span.log({ event: 'error', 'error.object': new TypeError('exit failed') });
  span.finish();
  res.send('ok');
});

app.get('/ot', (_req, res) => {
  const span = tracer.startSpan('ot-operation', {
    childOf: tracer.currentContext(),
    tags: { 'span.kind': 'client', error: true, 'custom.tag': 42 },
  });
  span.setBaggageItem('cart', 'items 3');
  span.log({ event: 'cache-miss', key: 'k' }, 1_700_000_000_123);
  const carrier = {};
  const textCarrier = {};
  tracer.inject(span, 'http_headers', carrier);
  tracer.inject(span, 'text_map', textCarrier);
  const extracted = tracer.extract('http_headers', carrier);
  span.finish();
  tracer.startSpan('ot-root', { ignoreActiveSpan: true }).finish();
  tracer.startSpan('ot-consumer', { ignoreActiveSpan: true, tags: { 'span.kind': 'consumer' } }).finish();
  tracer.startSpan('ot-following', { references: [followsFrom(extracted)], tags: { 'sampling.priority': 0 } }).finish();
  res.json({ carrier, textCarrier, extracted: { t: extracted.toTraceId(), s: extracted.toSpanId() } });
});

app.get('/eum', (req, res) =>
  res.json({ traceIdSeenInRequestHeader: req.headers['x-instana-t'], current: tracer.currentContext().toTraceId() }),
);

const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
