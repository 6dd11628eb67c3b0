// Gives all objects a toJSON and replaces JSON.stringify, before it serves; then calls itself by hand-made spans.
const http = require('node:http');
const { listen, loadSensor, obeyStdin } = require('./serve.cjs');

const { stringify } = JSON;
Object.prototype.toJSON = () => 'polluted';
Array.prototype.toJSON = () => ['polluted'];
JSON.stringify = () => '"replaced"';

const sensor = loadSensor();
const server = http.createServer((_req, res) => {
  sensor?.tracer.startSpan('by hand', { tags: { nested: { list: [1] } } }).finish();
  res.end('served');
});

listen(server).then((port) => {
  obeyStdin();
  process.stdout.write(`listening {"app":${stringify(port)}}\n`);
});
