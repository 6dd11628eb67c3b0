// Preloads the Elastic APM agent, with a queue that is long enough for a block, so that no span is lost.
const apm = require('elastic-apm-node').start({ maxQueueSize: 100_000 });

globalThis[Symbol.for('bench.flush')] = () => apm.flush();
