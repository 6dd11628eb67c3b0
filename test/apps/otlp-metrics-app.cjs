// Processes whose runtime has something to tell: the first argument says how they live.
const { closeSync, fsyncSync, openSync, rmSync, writeSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

const [, , life, argument] = process.argv;

function block(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Computes until it has used so much time of a core, however busy the machine is. */
function compute(ms) {
  const start = process.cpuUsage();
  let sum = 0;
  do for (let index = 0; index < 1e6; index++) sum += Math.sqrt(index);
  while (process.cpuUsage(start).user < ms * 1000);
  return sum;
}

/** Makes every series of every metric appear. */
function work() {
  global.gc();
  global.gc({ type: 'minor' });
  const file = join(tmpdir(), `otlp-metrics-${process.pid}`);
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, Buffer.alloc(64 * 1024, 1));
  fsyncSync(descriptor);
  closeSync(descriptor);
  rmSync(file);
  block(20);
}

const lives = {
  work() {
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
    const timer = setInterval(work, 100);
    process.stdin.on('end', () => {
      clearInterval(timer);
      void worker.terminate();
    });
    process.stdin.resume();
  },
  /** Ends by itself, and says when there was nothing left to do. */
  end() {
    setTimeout(() => process.stdout.write(`${Date.now()}\n`), Number(argument));
  },
  /** Ends by force after some more work. */
  exit() {
    setTimeout(() => {
      compute(300);
      process.exit(3);
    }, Number(argument));
  },
  /** Says what the spy of the preload has seen. */
  spied() {
    setTimeout(() => process.stdout.write(JSON.stringify(globalThis.spied)), Number(argument));
  },
};
lives[life]();
