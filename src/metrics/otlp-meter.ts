// The runtime as the registry of metrics describes it: asks a gauge for each subject.

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
  /** By the monotonic clock. */
  lastTick: number;
}

/** Observes nothing and holds nothing until `start()`, and after `stop()`. */
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

  /** What is counted, other than by the process itself, counts from here. */
  start(): void {
    if (this.#run !== null) return;
    const { now, wallClock } = this.#dependencies;
    this.#run = { startMs: wallClock(), lastTick: now(), gauges: this.#makeGauges() };
  }

  stop(): void {
    for (const [place, gauge] of this.#run?.gauges ?? []) this.#quietly(place, () => gauge.stop?.());
    this.#run = null;
  }

  /** All that is known at this moment of the metrics that exist on this platform; null unless it is started. */
  read(): MetricReadings | null {
    const run = this.#run;
    if (run === null) return null;
    const { now, wallClock } = this.#dependencies;
    const tick = now();
    const moment = { elapsedSeconds: (tick - run.lastTick) / 1000, usage: this.#host.resourceUsage() };
    run.lastTick = tick;
    return {
      timeMs: wallClock(),
      startMs: run.startMs,
      processStartMs: this.#processStartMs,
      readings: run.gauges.flatMap(([place, gauge]) => this.#read(place, gauge, moment)),
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
    for (const [place, make] of makers) this.#quietly(place, () => gauges.push([place, make()]));
    return gauges;
  }

  #read(place: string, gauge: Gauge, moment: Sample): readonly Reading[] {
    let readings: readonly Reading[] = [];
    this.#quietly(place, () => {
      readings = gauge.read(moment).filter(({ name }) => this.#exists(name));
    });
    return readings;
  }

  #exists(name: string): boolean {
    const metric = findMetric(name);
    return metric !== undefined && existsOn(metric, this.#host.platform);
  }

  /** One gauge that fails leaves the others alone. */
  #quietly(place: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#dependencies.errors.record(`metrics: ${place}`, error);
    }
  }
}
