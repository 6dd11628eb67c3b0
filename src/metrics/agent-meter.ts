// Samples the runtime for the agent and builds the metrics payload.

import type { Config } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import type { Ticker } from '../core/ticker.js';
import type { MetricsPayload } from '../protocol/metrics-payload.js';
import { redactArguments } from '../redaction/command-line.js';
import { AgentEventLoopCounter } from './gauges/agent-event-loop.js';
import { AgentGcCounter } from './gauges/agent-gc.js';
import { readHeapSpaces, readMemory } from './gauges/memory.js';
import type { GcObserver } from './gc-observer.js';
import { type PackageInfo, PackageInfoReader, unknownPackage } from './package-info.js';

export interface AgentMeterDependencies {
  readonly ticker: Ticker;
  readonly errors: InternalErrors;
  readonly gc: GcObserver;
  readonly log: Log;
  readonly config: () => Config;
  /** The servers that listen now, keyed by address and port joined without a separator. */
  readonly httpServers: () => Record<string, unknown>;
  /** Whether instrumented modules were loaded before the sensor. */
  readonly initTooLate: () => boolean;
  readonly sensorVersion: string;
  /** Whether the value of the named argument is redacted; the default keywords always apply. */
  readonly isSecret?: (name: string) => boolean;
}

/** Attributes that do not change while the process runs. */
type Snapshot = Pick<MetricsPayload, 'sensorVersion' | 'startTime' | 'versions' | 'args' | 'execArgs'>;

/** Observes nothing, reads no file and starts no timer until `start()`. */
export class AgentMeter {
  readonly #dependencies: AgentMeterDependencies;
  readonly #gc: AgentGcCounter;
  readonly #eventLoop: AgentEventLoopCounter;
  #snapshot: Snapshot | null = null;
  #reader: PackageInfoReader | null = null;
  #application: PackageInfo = unknownPackage;
  #isApplicationKnown = false;

  constructor(dependencies: AgentMeterDependencies) {
    this.#dependencies = dependencies;
    this.#gc = new AgentGcCounter(dependencies.gc);
    this.#eventLoop = new AgentEventLoopCounter(dependencies.ticker);
  }

  /** May be called again after `stop()` or while running. */
  start(): void {
    this.#gc.start();
    this.#eventLoop.start();
    if (!this.#isApplicationKnown && this.#reader === null) void this.#readApplication();
  }

  /** Releases observers and timers. */
  stop(): void {
    this.#gc.stop();
    this.#eventLoop.stop();
    this.#reader?.stop();
    this.#reader = null;
  }

  /** The complete current payload. Counts cover the time since the last read. */
  read(pid: number): Record<string, unknown> {
    const { httpServers, initTooLate, sensorVersion } = this.#dependencies;
    this.#snapshot ??= takeSnapshot(sensorVersion, this.#dependencies.isSecret);
    const payload: MetricsPayload = {
      ...this.#snapshot,
      ...this.#application,
      pid,
      http: httpServers(),
      activeResources: { count: process.getActiveResourcesInfo().length },
      memory: readMemory(),
      heapSpaces: readHeapSpaces(),
      gc: this.#gc.read(),
      libuv: this.#eventLoop.read(),
      healthchecks: {},
      ...(initTooLate() ? { initTooLate: true as const } : {}),
    };
    return { ...payload };
  }

  async #readApplication(): Promise<void> {
    const reader = new PackageInfoReader(this.#dependencies.config().packageJsonPath);
    this.#reader = reader;
    try {
      await reader.read((application) => {
        if (this.#reader === reader) this.#application = application;
      });
      if (this.#reader !== reader) return;
      this.#isApplicationKnown = true;
      this.#reader = null;
      this.#dependencies.log.debug(`application: ${this.#application.name ?? 'unknown'}`);
    } catch (error) {
      this.#dependencies.errors.record('package.json', error);
    }
  }
}

function takeSnapshot(sensorVersion: string, isSecret: ((name: string) => boolean) | undefined): Snapshot {
  return {
    sensorVersion,
    startTime: Date.now() - process.uptime() * 1000,
    versions: definedOnly(process.versions),
    args: redactArguments(process.argv, isSecret),
    execArgs: redactArguments(process.execArgv, isSecret),
  };
}

function definedOnly(versions: NodeJS.ProcessVersions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(versions).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
