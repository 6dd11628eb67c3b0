// An application that does nothing until it is told a load on its standard input: a line with its name begins it, `stop` ends it.
const { createSocket } = require('node:dgram');
const { mkdtempSync, rmSync } = require('node:fs');
const { open } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const v8 = require('node:v8');
const { runInNewContext } = require('node:vm');
const { Worker } = require('node:worker_threads');
const { deflate } = require('node:zlib');

const mebibyte = 1024 * 1024;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

let isRunning = false;

/** Each runs until `isRunning` is false and leaves nothing behind. */
const loads = {
  /** In short turns, so that the event loop is busy but not late. */
  async spin() {
    while (isRunning) {
      for (const end = Date.now() + 20; Date.now() < end; );
      await new Promise(setImmediate);
    }
  },

  /** More threads than cores, which wake each other. */
  async contend() {
    const input = Buffer.alloc(64 * 1024, 'abcdefghij');
    const job = async () => {
      while (isRunning) await new Promise((resolve) => deflate(input, resolve));
    };
    await Promise.all(Array.from({ length: 32 }, job));
  },

  /** Large objects that stay until they are old, and then go. */
  async thrash() {
    const kept = [];
    while (isRunning) {
      for (let index = 0; index < 4; index++) kept.push(new Array(mebibyte / 8).fill(index));
      kept.splice(0, kept.length - 20);
      await sleep(20);
    }
    kept.length = 0;
  },

  async threads() {
    const workers = Array.from(
      { length: 60 },
      () =>
        new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true, execArgv: [] }),
    );
    while (isRunning) await sleep(50);
    await Promise.all(workers.map((worker) => worker.terminate()));
  },

  async block() {
    while (isRunning) {
      block(400);
      await sleep(20);
    }
  },

  async write() {
    const folder = mkdtempSync(join(process.env.LOAD_FOLDER ?? tmpdir(), 'ts-sensor-load-'));
    const piece = Buffer.alloc(8 * mebibyte, 'x');
    const file = await open(join(folder, 'written'), 'w');
    while (isRunning) {
      await file.write(piece, 0, piece.length, 0);
      await file.sync();
      await sleep(20);
    }
    await file.close();
    rmSync(folder, { recursive: true });
  },

  /** Up to nine tenths and a little of what the container may have. */
  async memory() {
    const pieces = [];
    while (isRunning) {
      if (process.memoryUsage.rss() < process.constrainedMemory() * 0.92) pieces.push(Buffer.alloc(4 * mebibyte, 1));
      await sleep(10);
    }
    pieces.length = 0;
    collect();
  },

  /** Something that grows while there is room, seen by a collection now and then. */
  async leak() {
    const { heap_size_limit: limit } = v8.getHeapStatistics();
    const kept = [];
    const grow = (share) => {
      while (v8.getHeapStatistics().used_heap_size < limit * share) kept.push(new Array(mebibyte / 16).fill(0.5));
    };
    let share = 0.55;
    for (let turn = 0; isRunning; turn++) {
      grow(share);
      if (turn % 70 === 0) collect();
      share = Math.min(0.85, share + 0.002);
      await sleep(100);
    }
    kept.length = 0;
    collect();
  },

  async fill() {
    const { heap_size_limit: limit } = v8.getHeapStatistics();
    const kept = [];
    while (isRunning) {
      if (v8.getHeapStatistics().used_heap_size < limit * 0.94) kept.push(new Array(mebibyte / 16).fill(0.5));
      else await sleep(20);
    }
    kept.length = 0;
    collect();
  },

  async send() {
    const socket = createSocket('udp4');
    const piece = Buffer.alloc(60_000);
    const [port, host] = [Number(process.env.LOAD_PORT), process.env.LOAD_HOST];
    while (isRunning) {
      for (let index = 0; index < 12; index++) socket.send(piece, port, host);
      await sleep(10);
    }
    socket.close();
  },
};

process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const name of text.split('\n')) {
    if (name === 'stop') {
      isRunning = false;
    } else if (name in loads) {
      isRunning = true;
      loads[name]().catch((error) => console.error(error));
    }
  }
});
process.stdin.on('end', () => process.exit());
