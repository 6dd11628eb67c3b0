// Preloads OpenTelemetry for tracing only, with a queue that is long enough for a block, so that no span is lost.
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { KoaInstrumentation } = require('@opentelemetry/instrumentation-koa');
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const url = process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: 100_000 });
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
provider.register();
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation(), new KoaInstrumentation()],
});

globalThis[Symbol.for('bench.flush')] = () => provider.forceFlush();
