// Preload of the Elastic APM agent. Its queue is long enough for a block, so that nothing is lost.
const apm = require('elastic-apm-node').start({ maxQueueSize: 100_000 });

globalThis[Symbol.for('bench.flush')] = () => apm.flush();
