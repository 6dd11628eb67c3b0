// `/CLIENT/KEY` makes a call by that client to the downstream server at `/ok/KEY`, and then replies.
// After the sensor, which is a preload, and before anything that the other tool patches.
if (process.env.LATE_WRITER) require(process.env.LATE_WRITER);
const { createRequire } = require('node:module');
const { join } = require('node:path');
const http = require('node:http');
const { PassThrough } = require('node:stream');
const { serve, downstream } = require('./serve.cjs');

const load = createRequire(join(__dirname, '../peers/tracers/package.json'));
function undici(name) {
  // Loaded when used: a major needs a newer Node.js than another.
  return {
    request: async (url, headers) => (await load(name).request(url, { headers })).body.text(),
    stream: (url, headers) => load(name).stream(url, { headers }, () => new PassThrough().resume()),
    pool: async (url, headers) => {
      const { origin, pathname } = new URL(url);
      const pool = new (load(name).Pool)(origin);
      await (await pool.request({ method: 'GET', path: pathname, headers })).body.text();
      await pool.close();
    },
    fetch: async (url, headers) => (await load(name).fetch(url, { headers })).text(),
  };
}

const clients = {
  fetch: async (url, headers) => (await fetch(url, { headers })).text(),
  redirected: async (url, headers) => (await fetch(url.replace('/ok/', '/hop/2/'), { headers })).text(),
  http: (url, headers) =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { headers }, (response) => response.resume().on('end', resolve));
      request.on('error', reject).end();
    }),
};
for (const major of [5, 6, 7]) {
  for (const [kind, call] of Object.entries(undici(`undici-${major}`))) clients[`undici${major}-${kind}`] = call;
}

serve(
  {
    app: () => async (req, res) => {
      const [, client, key] = req.url.split('/');
      try {
        await clients[client](`${downstream}/ok/${key}`, { accept: '*/*' });
        res.end('done');
      } catch (error) {
        res.writeHead(500).end(String(error?.stack));
      }
    },
  },
  {},
);
