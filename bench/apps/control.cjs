// What every application of a benchmark has: a server that tells its port, and answers to the questions of its parent.
const fs = require('node:fs');
const http = require('node:http');

/** CPU of the main thread alone: garbage collection and compilation run beside it. */
function mainThreadMicros() {
  if (typeof process.threadCpuUsage === 'function') {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  }
  try {
    const text = fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
    return Number(text.split(' ')[0]) / 1000;
  } catch {
    return null;
  }
}

/** What sends all that is finished, where the tracer has such a function; without loading the sensor's public module. */
function findFlush() {
  const sensor = globalThis[Symbol.for('@instana/ts-sensor')];
  return globalThis[Symbol.for('bench.flush')] ?? (sensor && (() => sensor.flush()));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const answers = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return { processMicros: user + system, mainMicros: mainThreadMicros() };
  },
  memory: () => {
    const { rss, heapUsed } = process.memoryUsage();
    return { rssBytes: rss, heapBytes: heapUsed };
  },
  collect: async () => {
    // What finalizers let go of, only a second collection takes away.
    global.gc();
    await pause(20);
    global.gc();
    return answers.memory();
  },
  flush: async () => {
    const flush = findFlush();
    await flush?.();
    return { canFlush: flush !== undefined };
  },
};

process.on('message', async ({ question }) => process.send({ answer: await answers[question]() }));
process.on('disconnect', () => process.exit(0));

const connections = new http.Agent({ keepAlive: true });

/** Asks the downstream server something, and calls back when its answer has been read. */
function call(done) {
  http.get(`${process.env.DOWNSTREAM_URL}/stock/7?page=1`, { agent: connections }, (answer) => {
    answer.resume();
    answer.on('end', done);
  });
}

/** Connections stay open from one block to the next, also those on which no request has come yet: at a low rate a few carry all. */
function keepAlive(server) {
  server.keepAliveTimeout = 600_000;
  server.headersTimeout = 600_000;
  server.requestTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
}

module.exports = { call, keepAlive, answers };
