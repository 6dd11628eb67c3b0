// Host of what is said in headers: a proxy in several forms, captured headers, connections that are upgraded, servers traced by hand.
const http = require('node:http');
const { Duplex } = require('node:stream');
const { loadSensor, pause, serve } = require('./serve.cjs');

const downstream = process.env.DOWNSTREAM_URL;
const sensor = loadSensor();

/** `req.headers` as they came, but for those that belong to the connection. */
function forwarded(req) {
  const { host, connection, ...rest } = req.headers;
  return rest;
}

function answered(request, res) {
  request.on('error', (error) => res.end(String(error)));
  request.on('response', (answer) => {
    answer.resume();
    answer.on('end', () => res.end(`status ${answer.statusCode}`));
  });
  request.end();
}

/** Ways to hand the headers of a request on; the key is the first segment of the path. */
const proxies = {
  object: (req, res) => answered(http.request(downstream + req.url, { headers: forwarded(req) }), res),
  spread: (req, res) => answered(http.request({ ...target(req), headers: { ...forwarded(req), 'X-Own': '1' } }), res),
  flat: (req, res) =>
    answered(
      http.request(downstream + req.url, { headers: Object.entries(forwarded(req)).flat().concat('Host', 'a') }),
      res,
    ),
  raw: (req, res) => answered(http.request(downstream + req.url, { headers: req.rawHeaders }), res),
  pairs: (req, res) =>
    answered(http.request(downstream + req.url, { headers: [...Object.entries(forwarded(req)), ['Host', 'a']] }), res),
  frozen: (req, res) =>
    answered(http.request(downstream + req.url, Object.freeze({ headers: Object.freeze(forwarded(req)) })), res),
  fetched: async (req, res) =>
    res.end(`status ${(await fetch(downstream + req.url, { headers: forwarded(req) })).status}`),
  fetchedHeaders: async (req, res) =>
    res.end(`status ${(await fetch(downstream + req.url, { headers: new Headers(forwarded(req)) })).status}`),
  manual: (req, res) => {
    const make = () => answered(http.request(downstream + req.url, { headers: forwarded(req) }), res);
    if (sensor === null) make();
    else sensor.tracer.withActiveSpan(sensor.tracer.startSpan('by hand'), make);
  },
  injected: (req, res) => {
    const headers = {};
    if (sensor !== null) {
      const span = sensor.tracer.startSpan('injected', { tags: { 'span.kind': 'client' } });
      sensor.tracer.inject(span, 'http_headers', headers);
      span.finish();
    }
    answered(http.request(downstream + req.url, { headers }), res);
  },
  quiet: (req, res) => answered(http.request(downstream + req.url, { headers: { 'X-Instana-L': '0' } }), res),
  signed: (req, res) =>
    answered(
      http.request(downstream + req.url, {
        headers: {
          ...forwarded(req),
          Authorization: 'AWS4-HMAC-SHA256 Credential=c, SignedHeaders=host;x-instana-t, Signature=s',
        },
      }),
      res,
    ),
};

function target(req) {
  const { hostname, port } = new URL(downstream);
  return { hostname, port, path: req.url };
}

function proxy(req, res) {
  proxies[req.url.split('/')[1]](req, res);
}

/** Sets the headers that `x-*` of the query ask for, in the way that the path names. */
const captures = {
  set: (res) => {
    res.setHeader('X-Count', 7);
    res.setHeader('X-List', ['a', 'b']);
    res.setHeader('X-Both', 'from the response');
    res.setHeader('Set-Cookie', ['a=1', 'b=2']);
    res.end();
  },
  headObject: (res) => res.writeHead(200, { 'x-count': 7, 'X-LIST': ['a', 'b'], 'X-Both': 'from the response' }).end(),
  headRaw: (res) =>
    res.writeHead(200, ['X-Count', '7', 'X-List', 'a', 'x-list', 'b', 'X-Both', 'from the response']).end(),
  headPairs: (res) =>
    res
      .writeHead(200, [
        ['X-Count', 7],
        ['X-List', ['a', 'b']],
        ['X-Both', 'from the response'],
      ])
      .end(),
  mixed: (res) => {
    res.setHeader('X-Count', 1);
    res.writeHead(200, { 'X-Count': 7, 'X-List': 'a, b', 'X-Both': 'from the response' });
    res.end();
  },
  none: (res) => res.end(),
  long: (res) => res.setHeader('X-Count', 'x'.repeat(10_000)).end(),
};

/** What is sent downstream with headers to be captured. */
const sent = {
  exitObject: { 'X-Count': 7, 'X-List': ['a', 'b'], Authorization: 'Bearer hidden' },
  exitFlat: ['X-Count', '7', 'x-list', 'a', 'X-List', 'b', 'Authorization', 'Bearer hidden', 'Host', 'a'],
  exitPairs: [
    ['X-Count', '7'],
    ['X-List', ['a', 'b']],
    ['Authorization', 'Bearer hidden'],
    ['Host', 'a'],
  ],
};

async function capture(req, res) {
  const [, name] = req.url.split('/');
  if (name in captures) captures[name](res);
  else if (name in sent) answered(http.request(downstream + req.url, { headers: sent[name] }), res);
  else if (name === 'exitLater') {
    const request = http.request(downstream + req.url);
    for (const [key, value] of Object.entries(sent.exitObject)) request.setHeader(key, value);
    answered(request, res);
  } else if (name === 'exitFetch') {
    const headers = new Headers({ 'X-Count': '7', Authorization: 'Bearer hidden' });
    headers.append('X-List', 'a');
    headers.append('X-List', 'b');
    res.end(`status ${(await fetch(downstream + req.url, { headers })).status}`);
  }
}

const head = (status) => `HTTP/1.1 ${status}\r\nUpgrade: lines\r\nConnection: Upgrade\r\n\r\n`;

/** Ways to answer a request for another protocol. */
const handshakes = {
  now: (socket, req) => {
    socket.write(head('101 Switching Protocols'));
    answered(
      http.request(`${downstream}${req.url}`),
      new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }),
    );
    socket.on('data', (chunk) => socket.end(`echo ${chunk}`));
  },
  bytes: (socket) => {
    socket.write(Buffer.from(head('101 Switching Protocols')));
    socket.on('data', (chunk) => socket.end(`echo ${chunk}`));
  },
  later: async (socket) => {
    await pause(60);
    handshakes.bytes(socket);
  },
  refused: (socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n'),
  failed: (socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'),
  dropped: (socket) => setTimeout(() => socket.destroy(), 20),
  visible: (socket) => {
    socket.write(head('101 Switching Protocols'));
    const own = ['write', 'end'].filter((name) => Object.hasOwn(socket, name));
    socket.end(JSON.stringify([own, socket.eventNames().map(String).sort(), socket.listenerCount('close')]));
  },
};

function upgrading() {
  const server = http.createServer((_req, res) => res.end('no upgrade'));
  server.on('upgrade', (req, socket) => {
    socket.on('error', () => {});
    handshakes[req.url.split('/')[1]](socket, req);
  });
  return server;
}

/** A server whose requests are seen by nobody unless the application says so. */
function byHand() {
  const answer = (req, res) => {
    if (req.url.startsWith('/raw')) res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    if (req.url.startsWith('/timing')) res.setHeader('Server-Timing', 'app;dur=3');
    res.end(
      JSON.stringify([req.headers['x-instana-t'] ?? null, req.rawHeaders.length, Object.keys(req.headersDistinct)]),
    );
  };
  const middleware = sensor?.middleware();
  return {
    listener: http.createServer(sensor === null ? answer : sensor.wrapListener(answer)),
    middleware: http.createServer((req, res) =>
      middleware ? middleware(req, res, () => answer(req, res)) : answer(req, res),
    ),
    automatic: http.createServer(answer),
  };
}

serve({ proxy: () => proxy, capture: () => capture, upgrade: upgrading, byHand }, {});
