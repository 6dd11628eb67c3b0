// Every copy of the opentracing package that the application loads gets the sensor's tracer as its global one.
import type { Instrumentation } from '../instrumentation.js';

export const openTracing: Instrumentation = {
  name: 'opentracing',
  words: ['http', 'express', 'koa'],
  module: 'opentracing',
  versions: [0],
  patch(exports, { tracer }) {
    const { initGlobalTracer } = exports as { initGlobalTracer?: (tracer: object) => void };
    const ours = tracer();
    // While our own copy is being loaded there is no tracer yet; the sensor sets it there itself.
    if (ours !== null) initGlobalTracer?.(ours);
    return { undo: [], exports };
  },
};
