// Apps of the cases on Node's own servers, without a framework.
const http = require('node:http');
const net = require('node:net');
const https = require('node:https');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { handlers, text } = require('./handlers.cjs');

const certificate = () => ({
  key: readFileSync(join(__dirname, 'certificate', 'key.pem')),
  cert: readFileSync(join(__dirname, 'certificate', 'cert.pem')),
});

const answer = (_req, res) => text(res, 200, 'hello');

/** Every way of giving a server its listener. `lib` is http or https, `options` what its servers need. */
function waysToListen(lib, options) {
  class Listening extends lib.Server {
    constructor() {
      super(options, answer);
    }
  }
  const byOn = lib.createServer(options);
  byOn.on('request', answer);
  const byAddListener = lib.createServer(options);
  byAddListener.addListener('request', answer);
  const overridden = lib.createServer(options, answer);
  const emit = overridden.emit;
  overridden.emit = function emitCounted(...args) {
    return emit.apply(this, args);
  };
  const inner = http.createServer(answer);
  const outer = lib.createServer(options, (req, res) => inner.emit('request', req, res));
  const proxied = lib.createServer(options, answer);
  const proxy = new Proxy(proxied, {
    get(target, key) {
      const value = target[key];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const ways = {
    createServer: lib.createServer(options, answer),
    on: byOn,
    addListener: byAddListener,
    constructor: new lib.Server(options, answer),
    subclass: new Listening(),
    overriddenEmit: overridden,
    forwardedEvent: outer,
    proxy,
    twoListeners: lib.createServer(options, () => {}).on('request', answer),
  };
  if (lib === http) {
    // Many apps still write it so, and both names must be traced.
    ways.unprefixed = require('http').createServer(answer);
    ways.calledAsFunction = http.Server(answer);
    const behind = http.createServer(answer);
    ways.connectionEvent = net.createServer((socket) => behind.emit('connection', socket));
  }
  return ways;
}

function timeouts(lib, options) {
  const idle = lib.createServer(options, () => {});
  idle.setTimeout(150);
  return {
    headers: lib.createServer(
      { ...options, headersTimeout: 150, requestTimeout: 200, connectionsCheckingInterval: 50 },
      answer,
    ),
    request: lib.createServer(
      { ...options, headersTimeout: 600, requestTimeout: 700, connectionsCheckingInterval: 50 },
      (req, res) => {
        req.on('end', () => text(res, 200, 'all read')).resume();
        req.on('error', () => {});
      },
    ),
    idle,
    app: lib.createServer(options, (_req, res) => {
      res.setTimeout(100, () => text(res, 408, 'too slow', { Connection: 'close' }));
    }),
  };
}

/** With these listeners Node emits no `request`, unless the app does so itself. */
function expectations(lib, options) {
  const own = lib.createServer(options, () => {});
  own.on('checkContinue', (req, res) => {
    res.writeContinue();
    req.on('end', () => text(res, 200, 'continued')).resume();
  });
  own.on('checkExpectation', (_req, res) => text(res, 417, 'not expected'));
  const forwarding = lib.createServer(options, answer);
  forwarding.on('checkContinue', (req, res) => {
    res.writeContinue();
    forwarding.emit('request', req, res);
  });
  return { own, forwarding };
}

function builders(lib, options) {
  const plain = {};
  for (const [id, handler] of Object.entries(handlers)) plain[id] = () => lib.createServer(options, handler);
  return {
    ...plain,
    H2: () => waysToListen(lib, options),
    H13: () => timeouts(lib, options),
    H20: () => expectations(lib, options),
    H30: () =>
      lib.createServer(options, (req, res) =>
        text(res, 200, JSON.stringify([req.headers.host, req.headers['x-forwarded-for']])),
      ),
  };
}

module.exports = { http: () => builders(http, {}), https: () => builders(https, certificate()), certificate };
