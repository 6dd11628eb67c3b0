// Every copy of the opentracing package that the application loads gets the sensor's tracer as its global one.

import type { BootstrapWord } from '../config/activation.js';
import { adopt } from '../opentracing/global-tracer.js';
import type { Instrumentation, Patched, Tools } from './instrumentation.js';

function patch(exports: unknown, { tracer }: Tools): Patched {
  adopt(exports, tracer);
  return { undo: [], exports };
}

const words: readonly BootstrapWord[] = ['http', 'express', 'koa'];

export const openTracing: Instrumentation = {
  name: 'opentracing',
  words,
  module: 'opentracing',
  versions: [0],
  mainFile: 'lib/index.js',
  patch,
};

/** Under `node -r`, the file that an ES module imports is not seen, but those are that it requires. */
export const openTracingGlobal: Instrumentation = {
  name: 'opentracing',
  words,
  module: 'opentracing/lib/global_tracer',
  versions: [0],
  patch,
};
