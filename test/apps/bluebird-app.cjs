// Ten requests at once make a second call from a callback of bluebird. `BLUEBIRD` names the folder of its major.
const http = require('node:http');
const { join } = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { loadSensor, serve } = require('./serve.cjs');

const sensor = loadSensor();

const from = createRequire(join(__dirname, 'versions', process.env.BLUEBIRD, 'package.json'));
let Bluebird;

const get = (path) =>
  new Bluebird((resolve, reject) => {
    http.get(`${process.env.DOWNSTREAM_URL}${path}`, (res) => res.resume().on('end', resolve)).on('error', reject);
  });

const ways = {
  next: (id) => get(`/first/${id}`).then(() => get(`/second/${id}`)),
  map: (id) => Bluebird.map([get(`/first/${id}`), 1], () => get(`/second/${id}`), { concurrency: 1 }),
  coroutine: (id) =>
    Bluebird.coroutine(function* () {
      yield get(`/first/${id}`);
      yield get(`/second/${id}`);
    })(),
  join: (id) => Bluebird.join(get(`/first/${id}`), 1, () => get(`/second/${id}`)),
  using: (id) =>
    Bluebird.using(
      get(`/first/${id}`).disposer(() => {}),
      () => get(`/second/${id}`),
    ),
  each: (id) =>
    get(`/first/${id}`)
      .return([1, 2])
      .each(() => get(`/second/${id}`)),
  reduce: (id) => Bluebird.reduce([get(`/first/${id}`), 1], () => get(`/second/${id}`), 0),
  nodeify: (id) => new Promise((resolve) => get(`/first/${id}`).nodeify(() => get(`/second/${id}`).then(resolve))),
  finally: (id) => get(`/first/${id}`).finally(() => get(`/second/${id}`)),
  spread: (id) => Bluebird.all([get(`/first/${id}`), 2]).spread(() => get(`/second/${id}`)),
};

// A job outside any request, whose callbacks are in the same queue.
function job() {
  get('/job').then(() => get('/job'));
}
if (process.env.JOBS === '1') setInterval(job, 2);

function listener(req, res) {
  const [, way, id] = req.url.split('/');
  if (way === 'status') return res.end(JSON.stringify(sensor?.status().modules ?? []));
  ways[way](id).then(
    () => res.end(),
    (error) => res.writeHead(500).end(String(error)),
  );
}

/** As an ES module gets it, as a copy, or as it is. */
async function load() {
  if (process.env.IMPORT === '1') return (await import(pathToFileURL(from.resolve('bluebird')))).default;
  return process.env.COPY === '1' ? from('bluebird').getNewLibraryCopy() : from('bluebird');
}

load().then((library) => {
  Bluebird = library;
  serve({ app: () => listener });
});
