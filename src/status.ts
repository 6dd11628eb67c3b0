// What `status()` shows of the sensor.
import type { Config } from './config/options.js';
import type { ModuleStatus } from './instrumentation/loader.js';
import type { RecorderCounters } from './spans/recorder.js';

/** What `status()` returns. */
export interface SensorStatus {
  readonly version: string;
  readonly pid: number;
  readonly service: string | null;
  /** The words of `INSTANA_BOOTSTRAP` in force; empty before the sensor has started. */
  readonly bootstrap: string[];
  readonly agent: {
    readonly state: 'looking-up' | 'unannounced' | 'announced' | 'ready' | 'off';
    readonly host: string;
    readonly port: number;
    readonly uuid: string | null;
    readonly pid: number | null;
    /** Milliseconds since the epoch. */
    readonly since: number;
  };
  readonly modules: ModuleStatus[];
  readonly spans: {
    readonly opened: number;
    readonly finished: number;
    readonly sent: number;
    readonly waiting: number;
    readonly dropped: Record<string, number>;
    /** Spans sent as OTLP, and where to; null when none ever were to be. */
    readonly otlp: {
      readonly url: string | null;
      readonly sent: number;
      readonly waiting: number;
      readonly dropped: Record<string, number>;
    } | null;
  };
  /** Our own errors, by place. */
  readonly faults: Record<string, number>;
}

/** What the parts of the sensor say of themselves. */
export interface StatusParts {
  readonly version: string;
  readonly config: Config;
  readonly presets: readonly string[];
  /** Null before the agent connection is loaded. */
  readonly agent: SensorStatus['agent'] | null;
  /** Whether the agent connection will be loaded. */
  readonly isRunning: boolean;
  /** Since when there is no agent connection, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly modules: ModuleStatus[];
  readonly spans: RecorderCounters;
  readonly otlpUrl: string | null;
  readonly errors: Record<string, number>;
}

/** Puts them together. */
export function makeStatus(parts: StatusParts): SensorStatus {
  const { version, config, presets, agent, isRunning, sinceMs, modules, otlpUrl, errors } = parts;
  const { otlp, ...spans } = parts.spans;
  return {
    version,
    pid: process.pid,
    service: config.serviceName,
    bootstrap: [...presets],
    agent: agent ?? {
      state: isRunning ? 'looking-up' : 'off',
      host: config.agentHost,
      port: config.agentPort,
      uuid: null,
      pid: null,
      since: sinceMs,
    },
    modules,
    spans: { ...spans, otlp: otlp === null ? null : { url: otlpUrl, ...otlp } },
    faults: errors,
  };
}
