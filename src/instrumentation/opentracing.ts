// Makes the sensor's tracer the global tracer of every copy of the opentracing package that the application loads.

import { httpPresets } from '../config/presets.js';
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

/** Under `node -r` no hook sees the main file that an ES module imports, but hooks see the files that the main file requires. */
export const openTracingGlobal: Instrumentation = {
  name: 'opentracing',
  presets: httpPresets,
  module: 'opentracing/lib/global_tracer',
  versions: [0],
  patch,
};
