// Spans by hand among automatic ones, across everything that an application may let run later.
const { EventEmitter } = require('node:events');
const http = require('node:http');
const { Readable, Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { tracer, flush } = require('@instana/ts-sensor');

const call = (name) =>
  new Promise((resolve, reject) => {
    http
      .get(`${process.env.DOWNSTREAM_URL}/${name}`, (answer) => answer.resume().on('end', resolve))
      .on('error', reject);
  });

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Each begins inside the span and calls out when the function itself has long returned. */
const ways = {
  timer: () => new Promise((resolve) => setTimeout(() => resolve(call('timer')), 5)),
  immediate: () => new Promise((resolve) => setImmediate(() => process.nextTick(() => resolve(call('immediate'))))),
  promise: async () => {
    await pause(1);
    await Promise.all([pause(1), Promise.resolve()]);
    await call('promise');
  },
  stream: () =>
    pipeline(
      Readable.from(['a', 'b']),
      new Transform({
        transform(chunk, _encoding, done) {
          setImmediate(done, null, chunk);
        },
        flush(done) {
          call('stream').then(() => done(), done);
        },
      }).resume(),
    ),
  emitter: () => {
    const emitter = new EventEmitter();
    const done = new Promise((resolve) => emitter.on('go', () => resolve(call('emitter'))));
    setTimeout(() => emitter.emit('go'), 1);
    return done;
  },
};

/** What a user writes around a piece of work. */
async function traced(name, work) {
  const span = tracer.startSpan(name);
  try {
    return await tracer.withActiveSpan(span, work);
  } catch (error) {
    span.log({ event: 'error', 'error.object': error });
  } finally {
    span.finish();
  }
}

const server = http.createServer(async (req, res) => {
  const name = req.url.slice(1);
  const before = tracer.currentContext().toSpanId();
  if (name === 'throws') {
    const span = tracer.startSpan('throws');
    try {
      tracer.withActiveSpan(span, () => {
        throw new RangeError('at once');
      });
    } catch (error) {
      span.log({ event: 'error', 'error.object': error });
    }
    span.finish();
    span.finish();
    span.finish();
  } else if (name === 'rejects') {
    await traced('rejects', async () => {
      await pause(1);
      throw new TypeError('later');
    });
  } else if (name === 'exit') {
    const span = tracer.startSpan('exit', { tags: { 'span.kind': 'client' } });
    await tracer.withActiveSpan(span, () => call('exit'));
    span.finish();
  } else if (name === 'nested') {
    await traced('outer', () => traced('inner', () => call('nested')));
  } else {
    await traced(name, ways[name]);
  }
  res.end(String(tracer.currentContext().toSpanId() === before));
});

const ask = (port, name) =>
  new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: `/${name}`, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
    });
    request.on('error', (error) => resolve(error.message));
  });

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const names = [...Object.keys(ways), 'throws', 'rejects', 'exit', 'nested'];
  const kept = {};
  for (const name of names) kept[name] = await ask(port, name);
  // Not in any request: a trace of its own, with a call below.
  await traced('job', () => call('job'));
  await flush();
  console.log(JSON.stringify(kept));
  process.exit(0);
});
