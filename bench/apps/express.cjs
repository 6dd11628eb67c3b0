// An Express application: a route with a parameter, one with a call out, and ROUTES other routes before them.
const express = require('express');
const http = require('node:http');
const { call, keepAlive } = require('./control.cjs');

const app = express();
for (let index = 0; index < Number(process.env.ROUTES ?? 0); index++) {
  app.get(`/route-${index}/:id`, (_req, res) => res.send('not asked for'));
}
app.get('/hello/:name', (req, res) => res.send(`hello ${req.params.name}`));
app.get('/call/:id', (_req, res) => call(() => res.send('called')));
keepAlive(http.createServer(app));
