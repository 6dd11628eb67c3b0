// The benchmarks, in the order in which they run.
import type { Benchmark } from './benchmark.js';
import { perRequestBenchmark } from './benchmarks/per-request.js';

export const catalogue: readonly Benchmark[] = [perRequestBenchmark];
