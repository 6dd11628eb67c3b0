// What Node.js itself costs with an asynchronous context for each request, and nothing else.
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');

const { emit } = http.Server.prototype;
const active = new AsyncLocalStorage();

http.Server.prototype.emit = function (event, req, res, ...rest) {
  if (event !== 'request') return emit.call(this, event, req, res, ...rest);
  return active.run({ req }, () => emit.call(this, event, req, res));
};
