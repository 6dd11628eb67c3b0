// What an application sees of bluebird while it serves a request: order, rejections, warnings, cancellation. One line each.
const http = require('node:http');
const { join } = require('node:path');
const { createRequire } = require('node:module');

const Bluebird = createRequire(join(__dirname, 'versions', process.env.BLUEBIRD, 'package.json'))('bluebird');
const write = (...words) => process.stdout.write(`${words.join(' ')}\n`);
process.on('unhandledRejection', (error) => write('unhandled', error.message));
process.on('rejectionHandled', () => write('handled later'));
process.on('warning', (warning) => write('warning', warning.name, warning.message.split('\n')[0]));
if (process.env.BLUEBIRD === 'bluebird-3') Bluebird.config({ cancellation: true });

function use() {
  const fail = (text) =>
    Bluebird.resolve().then(() => {
      throw new Error(text);
    });
  const late = fail('lost');
  setTimeout(() => late.catch((error) => write('caught', error.message)), 20);
  fail('seen').catch((error) => write('caught', error.message));
  Bluebird.resolve(1).then('no function');
  Bluebird.resolve().then(() => {
    Bluebird.delay(1).then(() => {});
  });
  for (const name of ['a', 'b']) Bluebird.resolve(name).then((value) => write('then', value));
  process.nextTick(() => write('tick'));
  setImmediate(() => write('immediate'));
  Bluebird.resolve([1, 2])
    .bind({ name: 'bound' })
    .spread(function (...args) {
      write(this.name, args);
    });
  const pending = new Bluebird((_resolve, _reject, onCancel) => onCancel?.(() => write('cancel')));
  pending.finally(() => write('finally'));
  if (process.env.BLUEBIRD === 'bluebird-3') {
    pending.reflect().then((inspection) => write('reflect', inspection.isCancelled()));
    pending._cancel();
  }
}

const server = http.createServer((_req, res) => {
  use();
  setTimeout(() => res.end(), 40);
});
server.listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port, agent: false }, (res) => res.resume().on('end', () => process.exit(0)));
});
