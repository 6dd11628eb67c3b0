// What both hosts of outgoing calls share: a server that makes a call by name and answers with what the app saw.
const http = require('node:http');
const { serve, downstream } = require('./serve.cjs');

function serveExits({ http: lib, https: tlsLib, requestExits, fetchExits }) {
  const calls = { ...requestExits(lib, downstream), ...fetchExits(downstream) };
  const secure = process.env.DOWNSTREAM_TLS_URL;
  const tlsCalls = secure ? requestExits(tlsLib, secure, { rejectUnauthorized: false }) : {};
  for (const [name, call] of Object.entries(tlsCalls)) calls[`tls-${name}`] = call;

  /** Work that belongs to no request: begun before there was one. */
  const jobs = [];
  setInterval(() => {
    for (const { call, key, done } of jobs.splice(0))
      Promise.resolve(call(key)).then(done, (error) => done(String(error)));
  }, 10).unref();

  const listener = async (req, res) => {
    const [, first, ...rest] = req.url.split('/');
    let saw;
    if (first === 'names') saw = Object.keys(calls);
    else if (first === 'later')
      saw = await new Promise((done) => jobs.push({ call: calls[rest[0]], key: rest[1], done }));
    else saw = await Promise.resolve(calls[first](rest[0])).catch((error) => `rejected: ${error.stack}`);
    const text = JSON.stringify(saw ?? null);
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  };
  return serve({ exits: () => http.createServer(listener) }, {});
}

module.exports = { serveExits };
