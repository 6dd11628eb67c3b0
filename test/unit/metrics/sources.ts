// What feeds the gauges in tests: a ticker and a GC observer that report what a test says, and readers of what the gauges give.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Ticker, type TickListener } from '../../../src/core/ticker.js';
import type { Sample } from '../../../src/metrics/gauge.js';
import { type Collection, type GcListener, GcObserver } from '../../../src/metrics/gc-observer.js';
import type { HistogramPoint, NumberPoint, Reading } from '../../../src/metrics/reading.js';

/** A ticker whose time a test moves. */
export class ManualTicker extends Ticker {
  readonly listeners: Set<TickListener> = new Set();

  constructor() {
    super(new InternalErrors(new Log('off')));
  }

  override listen(_place: string, listener: TickListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** One tick, late by so much. */
  tick(lateMs: number): void {
    for (const listener of this.listeners) listener(lateMs);
  }
}

/** A GC observer that reports the collections that a test makes up. */
export class ManualGcObserver extends GcObserver {
  readonly listeners: Set<GcListener> = new Set();

  constructor() {
    super(new InternalErrors(new Log('off')));
  }

  override listen(listener: GcListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Collections that Node.js reports at once, and the heap that is used after the last of them. */
  report(collections: readonly Collection[], usedHeapBytes = 0): void {
    for (const listener of this.listeners) listener(collections, usedHeapBytes);
  }
}

/** Runs a real collection of garbage. */
export const collectGarbage: (options?: { type: 'minor' }) => void = exposeGc();

function exposeGc(): (options?: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options?: { type: 'minor' }) => void; // what the flag adds to new contexts
}

/** The resource usage of a process that has used nothing but what is given. */
export function usageOf(used: Partial<NodeJS.ResourceUsage>): NodeJS.ResourceUsage {
  return {
    fsRead: 0,
    fsWrite: 0,
    involuntaryContextSwitches: 0,
    ipcReceived: 0,
    ipcSent: 0,
    majorPageFault: 0,
    maxRSS: 0,
    minorPageFault: 0,
    sharedMemorySize: 0,
    signalsCount: 0,
    swappedOut: 0,
    systemCPUTime: 0,
    unsharedDataSize: 0,
    unsharedStackSize: 0,
    userCPUTime: 0,
    voluntaryContextSwitches: 0,
    ...used,
  };
}

/** A sample so many seconds after the last one. */
export function sampleAfter(elapsedSeconds: number, used: Partial<NodeJS.ResourceUsage> = {}): Sample {
  return { elapsedSeconds, usage: usageOf(used) };
}

/** Readings by name. */
export function byName(readings: readonly Reading[]): Map<string, Reading> {
  return new Map(readings.map((reading) => [reading.name, reading]));
}

/** The numbers of a reading by attribute, '' where there is none. */
export function numbersIn(readings: Map<string, Reading>, name: string): Record<string, number> {
  const points = (readings.get(name)?.points ?? []) as readonly NumberPoint[]; // the caller knows the kind
  return Object.fromEntries(points.map(({ attribute = '', value }) => [attribute, value]));
}

/** The number of a reading without an attribute. */
export function numberIn(readings: Map<string, Reading>, name: string): number | undefined {
  return numbersIn(readings, name)[''];
}

/** The series of a histogram. */
export function histogramsIn(readings: Map<string, Reading>, name: string): readonly HistogramPoint[] {
  return (readings.get(name)?.points ?? []) as readonly HistogramPoint[]; // the caller knows the kind
}
