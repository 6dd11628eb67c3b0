// The benchmarks, in the order in which they run.
import type { Benchmark } from './benchmark.js';
import { ablationBenchmark } from './benchmarks/ablation.js';
import { agentDownBenchmark } from './benchmarks/agent-down.js';
import { agentIntakeBenchmark } from './benchmarks/agent-intake.js';
import { growthBenchmark } from './benchmarks/growth.js';
import { headersBenchmark } from './benchmarks/headers.js';
import { idleBenchmark } from './benchmarks/idle.js';
import { instructionsBenchmark } from './benchmarks/instructions.js';
import { latencyBenchmark } from './benchmarks/latency.js';
import { manualSpanBenchmark } from './benchmarks/manual-span.js';
import { memoryBenchmark } from './benchmarks/memory.js';
import { perRequestBenchmark } from './benchmarks/per-request.js';
import { startUpBenchmark } from './benchmarks/start-up.js';
import { throughputBenchmark } from './benchmarks/throughput.js';

export const benchmarkList: readonly Benchmark[] = [
  perRequestBenchmark,
  ablationBenchmark,
  instructionsBenchmark,
  manualSpanBenchmark,
  headersBenchmark,
  startUpBenchmark,
  throughputBenchmark,
  latencyBenchmark,
  idleBenchmark,
  memoryBenchmark,
  growthBenchmark,
  agentDownBenchmark,
  agentIntakeBenchmark,
];
