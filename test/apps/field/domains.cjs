// Errors that a domain catches, in every place where an emitter of HTTP is added to one.
const domain = require('node:domain');
const http = require('node:http');
const { serve } = require('../serve.cjs');

const downstream = process.env.DOWNSTREAM_URL;

/** A domain that responds with what it knows of the error. */
function domainFor(res) {
  const d = domain.create();
  d.on('error', (error) => {
    const emitter = error.domainEmitter?.constructor?.name ?? 'none';
    if (!res.headersSent) res.statusCode = 500;
    res.end(`${error.message}, thrown ${error.domainThrown}, emitter ${emitter}, own ${error.domain === d}`);
  });
  return d;
}

function handler(act) {
  return () =>
    http.createServer((req, res) => {
      const d = domainFor(res);
      act(d, req, res);
    });
}

const fail = (message) => {
  throw new Error(message);
};

serve({
  requestData: handler((d, req, res) => {
    d.add(req);
    d.add(res);
    req.on('data', () => fail('data'));
  }),
  requestEnd: handler((d, req) => {
    d.add(req);
    req.on('end', () => fail('end'));
    req.resume();
  }),
  requestError: handler((d, req) => {
    d.add(req);
    req.emit('error', new Error('request error'));
  }),
  responseError: handler((d, _req, res) => {
    d.add(res);
    res.emit('error', new Error('response error'));
  }),
  responseEvent: handler((d, _req, res) => {
    d.add(res);
    res.on('pipe', () => fail('pipe'));
    res.emit('pipe');
  }),
  callError: handler((d) => {
    d.add(http.get('http://127.0.0.1:9/', { agent: false }));
  }),
  callResponse: handler((d) => {
    const call = http.get(`${downstream}/`, { agent: false });
    d.add(call);
    call.on('response', () => fail('call response'));
  }),
  callBody: handler((d) => {
    http.get(`${downstream}/`, { agent: false }, (response) => {
      d.add(response);
      response.on('data', () => fail('call body'));
    });
  }),
  insideRun: handler((d, req) => {
    d.run(() => req.on('data', () => setImmediate(() => fail('timer'))));
  }),
  server: () => {
    let response;
    const d = domain.create();
    d.on('error', (error) => {
      response.statusCode = 500;
      response.end(`${error.message}, thrown ${error.domainThrown}, emitter none, own ${error.domain === d}`);
    });
    const server = http.createServer((req, res) => {
      req.resume();
      response = res;
      fail('handler');
    });
    d.add(server);
    return server;
  },
  /** A tool that replaces the `emit` of all emitters after the sensor was loaded. */
  replaced: () => {
    const { EventEmitter } = require('node:events');
    const seen = new Map();
    const { emit } = EventEmitter.prototype;
    EventEmitter.prototype.emit = function (event, ...rest) {
      const { name } = this.constructor;
      if (/^(Server|ServerResponse|IncomingMessage|ClientRequest)$/.test(name)) {
        if (!seen.has(name)) seen.set(name, new Set());
        seen.get(name).add(event);
      }
      return emit.call(this, event, ...rest);
    };
    return http.createServer((req, res) => {
      req.resume();
      http.get(`${downstream}/`, { agent: false }, (response) => {
        response.resume();
        response.on('end', () => {
          const list = [...seen].map(([name, events]) => `${name}: ${[...events].sort().join(' ')}`);
          res.end(list.sort().join('\n'));
        });
      });
    });
  },
});
