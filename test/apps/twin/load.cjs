// An Express application under load that tells its parent, when asked, how large its heap is after a collection.
const express = require('express');
const http = require('node:http');

const app = express();
app.get('/hello/:name', (req, res) => res.send(`hello ${req.params.name}`));

const held = [];
/** Starts a timer in a request that lives for ever; what the request had must not live with it. */
app.get('/timer', (req, res) => {
  const timer = setInterval(() => {}, 1000);
  const { tracer } = require('@instana/ts-sensor');
  const span = tracer.currentSpan();
  held.push({ timer, refs: [new WeakRef(req), new WeakRef(res), ...(span ? [new WeakRef(span)] : [])] });
  res.send('held');
});

app.get('/chain/:id', (req, res, next) => {
  const call = (step) =>
    new Promise((resolve, reject) => {
      setTimeout(() => {
        http
          .get(`${process.env.DOWNSTREAM_URL}/chain/${req.params.id}/${step}`, { agent: false }, (answer) => {
            answer.resume();
            answer.on('end', resolve);
          })
          .on('error', reject);
      }, Math.random() * 20);
    });
  call(1)
    .then(() => call(2))
    .then(() => fetch(`${process.env.DOWNSTREAM_URL}/chain/${req.params.id}/3`))
    .then((answer) => answer.text())
    .then(() => res.send('done'), next);
});

process.on('message', (question) => {
  if (question === 'heap') {
    // What finalizers let go of, only a second collection takes away.
    global.gc();
    setTimeout(() => {
      global.gc();
      process.send({ heapUsed: process.memoryUsage().heapUsed });
    }, 20);
  } else if (question === 'held') {
    // A WeakRef that was looked at in this turn is kept until its end.
    setTimeout(() => {
      global.gc();
      process.send({
        timers: held.filter(({ timer }) => timer.hasRef()).length,
        alive: held.flatMap(({ refs }) => refs).filter((ref) => ref.deref() !== undefined).length,
        references: held.flatMap(({ refs }) => refs).length,
      });
    }, 50);
  } else if (question === 'status') {
    process.send(require('@instana/ts-sensor').status());
  }
});

process.on('disconnect', () => process.exit(0));
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
server.keepAliveTimeout = 60_000;
