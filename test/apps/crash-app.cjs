// A host that dies of a request: its handler throws, or makes a call whose error nobody listens to.
const http = require('node:http');
const { serve } = require('./serve.cjs');

serve({
  crash: () =>
    http.createServer((req, res) => {
      if (req.url === '/throw') throw new Error('boom');
      if (req.url === '/call') return http.get('http://127.0.0.1:9/nobody');
      return res.end('alive');
    }),
});
