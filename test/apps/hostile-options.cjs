// Hands all kinds of things to `configure()` and tells what the sensor made of them.
const { configure, status, tracer } = require('@instana/ts-sensor');

const throwing = () => {
  throw new Error('trap');
};
const proxy = new Proxy({}, { get: throwing, ownKeys: throwing, getOwnPropertyDescriptor: throwing, has: throwing });
const circular = { serviceName: 'circular' };
circular.tracing = circular;

for (const options of [
  undefined,
  null,
  7,
  'text',
  Symbol('s'),
  7n,
  [],
  () => {},
  proxy,
  circular,
  { logger: proxy },
  { secrets: proxy, tracing: proxy, metrics: proxy },
  {
    logLevel: proxy,
    metrics: { intervalMs: Number.NaN },
    tracing: { extraHttpHeaders: [proxy], disable: proxy, ignoreEndpoints: proxy },
  },
  Object.freeze({
    serviceName: 'good',
    get agentHost() {
      return throwing();
    },
    tracing: Object.freeze({ ignoreEndpoints: Object.freeze({ http: ['GET'] }) }),
  }),
])
  configure(options);

tracer.startSpan('x', { tags: { password: 'm' } }).finish();
const { service, agent, spans, faults } = status();
process.stdout.write(
  `${JSON.stringify({ service, host: agent.host, finished: spans.finished, faults, polluted: {}.polluted ?? null })}\n`,
);
process.exit(0);
