// An application that makes every series of the runtime's metrics appear: collections, threads, files, sockets, timers.
'use strict';
const { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, stat, writeSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { MessageChannel, Worker } = require('node:worker_threads');

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-load-'));

function write() {
  const file = openSync(join(folder, 'written'), 'w');
  writeSync(file, Buffer.alloc(256 * 1024, 1));
  fsyncSync(file);
  closeSync(file);
}

// There is always one under way.
function lookAtFiles() {
  stat(folder, lookAtFiles);
}

const server = createServer((socket) => socket.resume());
server.listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1').resume());
new Worker('require("node:worker_threads").parentPort.on("message", () => {});', { eval: true });
const { port1, port2 } = new MessageChannel();
port1.on('message', () => {});
setInterval(write, 200);
lookAtFiles();

// `collect 25` on stdin makes so many major collections in a row; everything else is the end.
process.stdin.setEncoding('utf8').on('data', (text) => {
  const [, times] = /^collect (\d+)/.exec(text) ?? [];
  for (let left = Number(times); left > 0; left--) global.gc();
  if (times !== undefined) return;
  port2.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
process.stdout.write('working\n');
