// Reads the memory and threads of the process for the registry's metrics, and how close memory is to its limits.
import { getHeapStatistics } from 'node:v8';
import type { Gauge } from '../gauge.js';
import type { Host } from '../host.js';
import type { NumberPoint, Reading } from '../reading.js';
import { readHeapSpaces, readMemory } from './memory.js';
import { readProcessStatus } from './process-status.js';

export class ProcessMemoryGauge implements Gauge {
  readonly #system: Host;

  constructor(system: Host) {
    this.#system = system;
  }

  read(): readonly Reading[] {
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = readMemory();
    const { threads, addressSpaceBytes } = readProcessStatus(this.#system);
    const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
    return [
      {
        name: 'process.runtime.nodejs.memory',
        points: [
          { attribute: 'rss', value: rss },
          { attribute: 'heap_total', value: heapTotal },
          { attribute: 'heap_used', value: heapUsed },
          { attribute: 'external', value: external },
          { attribute: 'array_buffers', value: arrayBuffers },
          ...(addressSpaceBytes === null ? [] : [{ attribute: 'vms', value: addressSpaceBytes }]),
        ],
      },
      { name: 'process.runtime.nodejs.memory.utilization', points: [{ value: rss / memoryLimit(this.#system) }] },
      { name: 'process.runtime.nodejs.heap.utilization', points: [{ value: usedBytes / limitBytes }] },
      ...(threads === null ? [] : [{ name: 'process.runtime.nodejs.thread_count', points: [{ value: threads }] }]),
    ];
  }
}

/** Bytes that the process may use: the limit of its container, or the memory of the machine if there is no limit. */
export function memoryLimit(system: Host): number {
  const total = system.totalMemory();
  const constrained = system.constrainedMemory();
  // Without a limit Node.js returns 0, undefined, 2^64, or the greatest whole number of pages, depending on version and cgroup.
  return constrained !== undefined && constrained > 0 && constrained <= total ? constrained : total;
}

/** V8's heap spaces, one series each. */
export class HeapSpacesGauge implements Gauge {
  read(): readonly Reading[] {
    const spaces = Object.entries(readHeapSpaces());
    const points = (member: 'current' | 'available' | 'used' | 'physical'): readonly NumberPoint[] =>
      spaces.map(([attribute, space]) => ({ attribute, value: space[member] }));
    return [
      { name: 'v8js.memory.heap.used', points: points('used') },
      { name: 'v8js.memory.heap.space.available_size', points: points('available') },
      { name: 'v8js.memory.heap.space.physical_size', points: points('physical') },
      { name: 'v8js.memory.heap.space.size', points: points('current') },
    ];
  }
}
