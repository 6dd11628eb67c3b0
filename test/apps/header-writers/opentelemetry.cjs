// OpenTelemetry with its instrumentations of `http` and undici.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const load = createRequire(join(__dirname, '../../peers/tracers/package.json'));
const { NodeTracerProvider } = load('@opentelemetry/sdk-trace-node');
const { HttpInstrumentation } = load('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = load('@opentelemetry/instrumentation-undici');

new NodeTracerProvider().register();
for (const instrumentation of [new HttpInstrumentation(), new UndiciInstrumentation()]) instrumentation.enable();
