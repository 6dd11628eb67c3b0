// A bare `http` server: a response at once, or after a call out.
const http = require('node:http');
const { call, keepAlive } = require('./control.cjs');

const server = http.createServer((req, res) => {
  if (req.url.startsWith('/call/')) call(() => res.end('called'));
  else res.end('hello joe');
});
keepAlive(server);
