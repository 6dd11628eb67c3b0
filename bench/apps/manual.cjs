// Manual spans: in a loop when the parent process asks for it, or as children of the requests of an Express application.
const express = require('express');
const http = require('node:http');
const { answers, keepAlive } = require('./control.cjs');

const tracer = process.env.TRACED === '1' ? require('@instana/ts-sensor').tracer : null;

/** A span as applications make one: start, two tags, finish. */
function makeSpan(parent, index) {
  const span = tracer.startSpan('work', { childOf: parent });
  span.setTag('item', index);
  span.setTag('kind', 'book');
  span.finish();
}

const batchSpans = 500;

/** Sends after each batch, so that the queue never fills. */
answers.spans = async () => {
  for (let batch = 0; batch < 20; batch++) {
    const parent = tracer.startSpan('batch');
    for (let index = 1; index < batchSpans; index++) makeSpan(parent, index);
    parent.finish();
    await answers.flush();
  }
  return { spans: 20 * batchSpans };
};

const app = express();
app.get('/children/:count', (req, res) => {
  const parent = tracer?.currentSpan();
  if (parent) for (let index = 0; index < Number(req.params.count); index++) makeSpan(parent, index);
  res.send('done');
});
keepAlive(http.createServer(app));
