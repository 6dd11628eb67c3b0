// A minimal tracer: a preload that makes a span for each request and each call out, and posts them. The costs of tracers are
// compared with it, since one that costs less must do less. No errors, no routes, no redaction, no metrics.
const { AsyncLocalStorage } = require('node:async_hooks');
const { randomFillSync } = require('node:crypto');
const http = require('node:http');

const { request } = http;
const { emit } = http.Server.prototype;
const active = new AsyncLocalStorage();
const f = { e: String(process.pid) };
const pool = Buffer.alloc(8192);
let used = pool.length;
let waiting = [];
let posted = Promise.resolve();

function newId() {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 8;
  return pool.toString('hex', used - 8, used);
}

function finish(span, startMs, status) {
  span.d = Math.round(performance.now() - startMs);
  span.data.http.status = status;
  waiting.push(span);
  if (waiting.length === 500) post();
}

http.Server.prototype.emit = function (event, req, res, ...rest) {
  if (event !== 'request') return emit.call(this, event, req, res, ...rest);
  const { method, url, headers } = req;
  const startMs = performance.now();
  const http = { method, url, host: headers.host, status: 0 };
  const s = newId();
  const t = headers['x-instana-t'] ?? s;
  const span = {
    t,
    s,
    p: headers['x-instana-s'],
    n: 'node.http.server',
    k: 1,
    f,
    ec: 0,
    ts: Date.now(),
    d: 0,
    data: { http },
  };
  res.once('close', () => finish(span, startMs, res.statusCode));
  return active.run(span, () => emit.call(this, event, req, res));
};

http.request = (...args) => {
  const parent = active.getStore();
  const sent = request(...args);
  if (parent === undefined) return sent;
  const startMs = performance.now();
  const http = { method: sent.method, url: `${sent.host}${sent.path}`, status: 0 };
  const span = {
    t: parent.t,
    s: newId(),
    p: parent.s,
    n: 'node.http.client',
    k: 2,
    f,
    ec: 0,
    ts: Date.now(),
    d: 0,
    data: { http },
  };
  sent.setHeader('X-INSTANA-T', span.t);
  sent.setHeader('X-INSTANA-S', span.s);
  sent.setHeader('X-INSTANA-L', '1');
  sent.once('close', () => finish(span, startMs, sent.res?.statusCode ?? 0));
  return sent;
};
http.get = (...args) => http.request(...args).end();

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** Posts all finished spans; resolves when these and all earlier ones have been received. */
function post() {
  if (waiting.length === 0) return posted;
  const body = Buffer.from(JSON.stringify(waiting));
  waiting = [];
  const sent = new Promise((resolve) => {
    const options = {
      agent,
      host: '127.0.0.1',
      port: process.env.INSTANA_AGENT_PORT,
      method: 'POST',
      path: `/com.instana.plugin.nodejs/traces.${process.pid}`,
      headers: { 'Content-Type': 'application/json', 'Content-Length': body.length },
    };
    request(options, (response) => response.resume().on('end', resolve))
      .on('error', resolve)
      .end(body);
  });
  posted = Promise.all([posted, sent]);
  return posted;
}

setInterval(post, 1000).unref();
globalThis[Symbol.for('bench.flush')] = post;
