// `/KIND/COUNT/KEY` makes COUNT calls of that kind to the downstream server, with the headers that the query has as JSON, and then answers.
const http = require('node:http');
const https = require('node:https');
const { serve, downstream, loadSensor, pause } = require('./serve.cjs');

const secure = process.env.DOWNSTREAM_TLS_URL;
const sensor = loadSensor();

function finished(request) {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (res) => {
      res.resume();
      res.on('end', resolve);
    });
    request.end();
  });
}

const plain = (headers) => Object.fromEntries(headers);

const kinds = {
  http: (path, headers) => finished(http.request(`${downstream}${path}`, { headers: plain(headers) })),
  https: (path, headers) =>
    finished(https.request(`${secure}${path}`, { headers: plain(headers), rejectUnauthorized: false })),
  flat: (path, headers) =>
    finished(http.request(`${downstream}${path}`, { headers: ['Host', 'a', ...headers.flat()] })),
  pairs: (path, headers) => finished(http.request(`${downstream}${path}`, { headers: [['Host', 'a'], ...headers] })),
  later: (path, headers) => {
    const request = http.request(`${downstream}${path}`);
    for (const [name, value] of headers) request.setHeader(name, value);
    return finished(request);
  },
  fetch: async (path, headers) => (await fetch(`${downstream}${path}`, { headers })).text(),
  manual: async (path, headers) => {
    const outer = sensor.tracer.startSpan('outer');
    await sensor.tracer.withActiveSpan(outer, async () => {
      await pause(1);
      const inner = sensor.tracer.startSpan('inner', { childOf: outer.context() });
      await sensor.tracer.withActiveSpan(inner, () => kinds.http(path, headers));
      inner.finish();
    });
    outer.finish();
  },
};

async function listener(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://a');
  const [, kind, count, key] = pathname.split('/');
  const isDeferred = kind === 'deferred';
  if (isDeferred) {
    res.end('ok');
    await pause(20);
  }
  const call = kinds[isDeferred ? 'http' : kind];
  for (let index = 0; index < Number(count); index++)
    await call(`/ok/${key}`, JSON.parse(searchParams.get('headers') ?? '[]'));
  if (!isDeferred) res.end('ok');
}

serve({ app: () => http.createServer((req, res) => listener(req, res).catch((error) => res.end(String(error)))) }, {});
