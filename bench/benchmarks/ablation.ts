// What makes up the cost of a request: the sensor with one feature less at a time, down to what Node.js itself costs.
import type { Benchmark, Report } from '../benchmark.js';
import type { Options } from '../options.js';
import {
  bare,
  bareAgain,
  contextOnly,
  floor,
  runtimeOnly,
  sensor,
  sensorWith,
  suppressed,
  type Variant,
} from '../variants.js';
import { compareVariants, textOf, voidsIn } from './per-request.js';

const withoutMetrics = sensorWith('metrics off', { INSTANA_METRICS_ENABLED: 'false' }, true);
const withoutFramework = sensorWith('no framework', { INSTANA_BOOTSTRAP: 'http' }, true);
const withoutStacks = sensorWith('no stacks', { INSTANA_STACK_TRACE: 'error' }, true);
const withoutW3c = sensorWith(
  'no stacks, no W3C',
  { INSTANA_STACK_TRACE: 'error', INSTANA_TRACING_DISABLE_W3C: 'true' },
  true,
);

function variantsOf(name: string): Variant[] {
  const common = [bare, bareAgain, contextOnly, floor, sensor];
  return name.endsWith('-call')
    ? [...common, withoutStacks, withoutW3c]
    : [...common, withoutMetrics, withoutFramework, suppressed, runtimeOnly];
}

export const ablationBenchmark: Benchmark = {
  name: 'ablation',
  title: 'What makes up the cost of a request',
  async run(options: Options): Promise<Report> {
    const result = await compareVariants(options, ['express', 'express-call'], variantsOf);
    return { result, text: textOf(result), measured: [], voids: voidsIn(result) };
  },
};
