// Every copy of the opentracing package that the application loads gets the sensor's tracer as its global one.

import type { Preset } from '../config/activation.js';
import { adopt } from '../opentracing/global-tracer.js';
import type { Instrumentation, InstrumentationContext, Patched } from './instrumentation.js';

function patch(exports: unknown, { tracer }: InstrumentationContext): Patched {
  adopt(exports, tracer);
  return { undo: [], exports };
}

const presets: readonly Preset[] = ['http', 'express', 'koa'];

export const openTracing: Instrumentation = {
  name: 'opentracing',
  presets,
  module: 'opentracing',
  versions: [0],
  mainFile: 'lib/index.js',
  patch,
};

/** Under `node -r`, the file that an ES module imports is not seen, but those are that it requires. */
export const openTracingGlobal: Instrumentation = {
  name: 'opentracing',
  presets,
  module: 'opentracing/lib/global_tracer',
  versions: [0],
  patch,
};
