// The part of the third recorded application that needs no other library, rebuilt.
const http = require('node:http');

const server = http.createServer((req, res) => {
  if (req.url === '/timing') res.setHeader('Server-Timing', 'app;dur=3');
  res.end('ok');
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
