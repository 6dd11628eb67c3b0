// Request handlers that need no framework: `(req, res)` for plain servers, mounted in Express and Koa as well.
const { call, downstream, pause } = require('./serve.cjs');

const body = 'hello';

function text(res, status, content, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(content), ...headers });
  res.end(content);
}

/** Case id → handler, or variant name → handler. */
const handlers = {
  H1: (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('first ');
    setTimeout(() => res.end('last'), 80);
  },
  H3: (req, res) => {
    const before = req.url;
    req.url = '/rewritten?secret=zzz';
    text(res, 200, before);
  },
  H4: (req, res) => text(res, 200, String(req.url.length)),
  H5: (_req, res) => text(res, 200, body),
  H7: (req, res) => text(res, Number(req.url.slice(1)), 'no'),
  H8: (req, res) => text(res, Number(req.url.slice(1)), 'broken'),
  H9: (_req, res) => {
    res.statusCode = 200;
    res.on('close', () => setTimeout(() => res.end('too late'), 50));
  },
  H10: (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('part');
    res.on('close', () => setTimeout(() => res.end('too late'), 50));
  },
  H10whole: (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
    res.write(body);
    setTimeout(() => res.end(), 100);
  },
  H11: (req, res) => {
    res.statusCode = 200;
    res.on('error', () => {});
    req.on('error', () => {});
    const end = req.url.slice(1);
    setTimeout(() => {
      if (end === 'socket') res.socket.destroy();
      if (end === 'request') req.destroy();
      if (end === 'response') res.destroy(new Error('boom'));
    }, 20);
  },
  H14: async (req, res) => {
    if (req.url === '/hints') {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      await pause(20);
      return text(res, 200, 'hinted');
    }
    if (req.url === '/trailers') {
      res.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({ 'X-Sum': '42' });
      return res.end();
    }
    if (req.url === '/flush') {
      res.statusCode = 200;
      res.setHeader('Content-Type', 'text/plain');
      res.flushHeaders();
      await pause(150);
      return res.end('flushed');
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (let n = 0; n < 3; n += 1) {
      res.write(`data: ${n}\n\n`);
      await pause(100);
    }
    return res.end();
  },
  H12: (req, res) => {
    res.statusCode = 200;
    if (req.url === '/late') setTimeout(() => res.end('late'), 2500);
  },
  H15: (_req, res) => text(res, 200, 'not read'),
  H16: (req, res) => {
    if (!req.url.includes('/call/')) return text(res, 200, req.url);
    return call(`/echo${req.url}`).then((answer) => text(res, 200, answer));
  },
  H18: async (req, res) => {
    await pause(Math.floor(Math.random() * 15));
    const answer = await call(`/echo${req.url}`);
    await new Promise((resolve) => setImmediate(resolve));
    text(res, 200, answer);
  },
  X: async (req, res) => {
    const answers = await Promise.all([call(`/echo/request${req.url}`), fetched(`/echo/fetch${req.url}`)]);
    text(res, 200, answers.join(' '));
  },
};

const fetched = async (path) => (await fetch(downstream + path)).text();

module.exports = { handlers, text };
