// Requests that make one call and then another one through libraries with queues of their own.
const http = require('node:http');
const { serve } = require('../serve.cjs');

const downstream = process.env.DOWNSTREAM_URL;

/** Ends after some milliseconds, so that the calls of several requests overlap. */
function get(name, done) {
  http.get(`${downstream}/pause/${name}`, (response) => response.resume().on('end', () => done(null, name)));
}

/** A server that calls `use` with the name of each request, and responds when that calls back. */
const server = (use) => () =>
  http.createServer((req, res) => {
    use(req.url.slice(1), () => res.end());
  });

function pooled(request, done) {
  const { createPool } = require('generic-pool');
  pooled.pool ??= createPool({ create: async () => ({}), destroy: async () => {} }, { max: 1 });
  pooled.pool
    .use(() => new Promise((resolve) => get(`${request}-first`, resolve)))
    .then(() => get(`${request}-second`, done));
}

function loaded(request, done) {
  const DataLoader = require('dataloader');
  loaded.loader ??= new DataLoader(async (keys) => keys, { cache: false });
  loaded.loader.load(request).then(() => get(`${request}-second`, done));
}

function byQ(request, done) {
  const Q = require('q');
  const first = Q.Promise((resolve) => get(`${request}-first`, resolve));
  first.then(() => get(`${request}-second`, done));
}

serve({ 'generic-pool': server(pooled), dataloader: server(loaded), q: server(byQ) });
