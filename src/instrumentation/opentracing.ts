// Every copy of the opentracing package that the application loads gets the sensor's tracer as its global one.

import { httpPresets } from '../config/activation.js';
import { adopt } from '../opentracing/global-tracer.js';
import type { Instrumentation, InstrumentationContext, Patched } from './instrumentation.js';

function patch(exports: unknown, { tracer }: InstrumentationContext): Patched {
  adopt(exports, tracer);
  return { undo: [], exports };
}

export const openTracing: Instrumentation = {
  name: 'opentracing',
  presets: httpPresets,
  module: 'opentracing',
  versions: [0],
  mainFile: 'lib/index.js',
  patch,
};

/** Under `node -r`, the file that an ES module imports is not seen, but those are that it requires. */
export const openTracingGlobal: Instrumentation = {
  name: 'opentracing',
  presets: httpPresets,
  module: 'opentracing/lib/global_tracer',
  versions: [0],
  patch,
};
