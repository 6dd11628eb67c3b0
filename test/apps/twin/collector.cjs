// An Express application with the official sensor, as its manual has it: required before everything else.
const { createRequire } = require('node:module');

createRequire(process.env.COLLECTOR_FROM)('@instana/collector')();

const express = require('express');
const http = require('node:http');

const app = express();
app.get('/shop/:item', (req, res, next) => {
  http
    .get(`http://127.0.0.1:${server.address().port}/stock/${req.params.item}?key=hidden`, (answer) => {
      answer.resume();
      answer.on('end', () => res.send('sold'));
    })
    .on('error', next);
});
app.get('/stock/:item', (_req, res) => res.send('7'));

const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
