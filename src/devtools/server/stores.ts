// Everything that the local agent keeps, each kind in its own bounded store.
import type { AlertEvaluator } from '../alerts/alert-evaluator.js';
import type { InstanceStore } from '../store/instances.js';
import type { ProcessStore } from '../store/processes.js';
import { TraceStore } from '../store/traces.js';

/** The stores of one agent. */
export interface AgentStores {
  readonly traces: TraceStore;
  /** Processes that announced themselves. */
  readonly processes: ProcessStore;
  /** Processes that report over OTLP. */
  readonly instances: InstanceStore;
  readonly alerts: AlertEvaluator;
}

const defaultMaxSpans = 20_000;
const minMaxBytes = 64 * 1024 * 1024;
/** Several times the size of the span of an HTTP request. */
const bytesPerSpan = 2048;

/** A store for `maxSpans` spans, and for as many bytes as they may need. */
export function createTraceStore(processes: ProcessStore, maxSpans: number = defaultMaxSpans): TraceStore {
  return new TraceStore(processes, maxSpans, Math.max(minMaxBytes, maxSpans * bytesPerSpan));
}
