// The common part of the applications: a server that prints its port, and answers to the questions of the parent process.
const fs = require('node:fs');
const http = require('node:http');

/** CPU of the main thread alone, without the threads of garbage collection and compilation. */
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

/** The tracer's function that sends all finished spans, if it has one. Does not load the sensor's public module. */
function findFlush() {
  const sensor = globalThis[Symbol.for('@instana/ts-sensor')];
  return globalThis[Symbol.for('bench.flush')] ?? (sensor && (() => sensor.flush()));
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

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
    // Objects that finalizers release are only collected by a second collection.
    global.gc();
    await sleep(20);
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

/** Makes a request to the downstream server, and calls back when the response has been read. */
function call(done) {
  http.get(`${process.env.DOWNSTREAM_URL}/stock/7?page=1`, { agent: connections }, (response) => {
    response.resume();
    response.on('end', done);
  });
}

/** Keeps connections open between blocks. At a low rate a few carry all requests, so some never have one. */
function keepAlive(server) {
  server.keepAliveTimeout = 600_000;
  server.headersTimeout = 600_000;
  server.requestTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
}

module.exports = { call, keepAlive, answers };
