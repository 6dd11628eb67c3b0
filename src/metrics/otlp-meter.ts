// Samples the registry's metrics for OTLP, with one gauge per subject.

import type { InternalErrors } from '../core/internal-errors.js';
import { existsOn, findMetric } from '../protocol/metric-registry.js';
import type { Gauge, Sample } from './gauge.js';
import { ActiveResourcesGauge } from './gauges/active-resources.js';
import { ContextSwitchGauge } from './gauges/context-switches.js';
import { CpuGauge } from './gauges/cpu.js';
import { HostDiskGauge, ProcessDiskGauge } from './gauges/disk.js';
import { EventLoopDelayGauge } from './gauges/event-loop-delay.js';
import { EventLoopUtilizationGauge } from './gauges/event-loop-utilization.js';
import { GcGauge } from './gauges/gc.js';
import { NetworkGauge } from './gauges/network.js';
import { HeapSpacesGauge, ProcessMemoryGauge } from './gauges/process-memory.js';
import type { GcObserver } from './gc-observer.js';
import { type Host, thisHost } from './host.js';
import type { MetricReadings, Reading } from './reading.js';

export interface OtlpMeterDependencies {
  readonly errors: InternalErrors;
  readonly gc: GcObserver;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly host?: Host;
}

interface Run {
  readonly startMs: number;
  readonly gauges: readonly (readonly [string, Gauge])[];
  /** Monotonic time of the last reading, in milliseconds. */
  lastTick: number;
}

/** Observes nothing and holds no resources before `start()` and after `stop()`. */
export class OtlpMeter {
  readonly #dependencies: OtlpMeterDependencies;
  readonly #host: Host;
  readonly #processStartMs: number;
  #run: Run | null = null;

  constructor(dependencies: OtlpMeterDependencies) {
    this.#dependencies = dependencies;
    this.#host = dependencies.host ?? thisHost();
    this.#processStartMs = Math.round(dependencies.wallClock() - process.uptime() * 1000);
  }

  /** Creates the gauges. Readings marked `isSinceStart` count from here. */
  start(): void {
    if (this.#run !== null) return;
    const { now, wallClock } = this.#dependencies;
    this.#run = { startMs: wallClock(), lastTick: now(), gauges: this.#makeGauges() };
  }

  stop(): void {
    for (const [subject, gauge] of this.#run?.gauges ?? []) this.#quietly(subject, () => gauge.stop?.());
    this.#run = null;
  }

  /** The current readings of the metrics that exist on this platform; null unless started. */
  read(): MetricReadings | null {
    const run = this.#run;
    if (run === null) return null;
    const { now, wallClock } = this.#dependencies;
    const tick = now();
    const sample = { elapsedSeconds: (tick - run.lastTick) / 1000, usage: this.#host.resourceUsage() };
    run.lastTick = tick;
    return {
      timeMs: wallClock(),
      startMs: run.startMs,
      processStartMs: this.#processStartMs,
      readings: run.gauges.flatMap(([subject, gauge]) => this.#read(subject, gauge, sample)),
    };
  }

  #makeGauges(): readonly (readonly [string, Gauge])[] {
    const { gc, now } = this.#dependencies;
    const system = this.#host;
    const usage = system.resourceUsage();
    const makers: readonly (readonly [string, () => Gauge])[] = [
      ['CPU', () => new CpuGauge(usage)],
      ['context switches', () => new ContextSwitchGauge(usage)],
      ['memory', () => new ProcessMemoryGauge(system)],
      ['heap spaces', () => new HeapSpacesGauge()],
      ['event loop use', () => new EventLoopUtilizationGauge()],
      ['event loop delay', () => new EventLoopDelayGauge()],
      ['garbage collections', () => new GcGauge(gc, now)],
      ['active resources', () => new ActiveResourcesGauge()],
      ['disk I/O of the process', () => new ProcessDiskGauge(usage)],
      ['disk I/O of the host', () => new HostDiskGauge(system)],
      ['network I/O', () => new NetworkGauge(system)],
    ];
    const gauges: (readonly [string, Gauge])[] = [];
    for (const [subject, make] of makers) this.#quietly(subject, () => gauges.push([subject, make()]));
    return gauges;
  }

  #read(subject: string, gauge: Gauge, sample: Sample): readonly Reading[] {
    let readings: readonly Reading[] = [];
    this.#quietly(subject, () => {
      readings = gauge.read(sample).filter(({ name }) => this.#exists(name));
    });
    return readings;
  }

  #exists(name: string): boolean {
    const metric = findMetric(name);
    return metric !== undefined && existsOn(metric, this.#host.platform);
  }

  /** A gauge that throws does not affect the others. */
  #quietly(subject: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#dependencies.errors.record(`metrics: ${subject}`, error);
    }
  }
}
