// Reads the memory of the process and of V8's heap spaces, in bytes.
import { getHeapSpaceStatistics } from 'node:v8';
import type { HeapSpaceMetrics, MemoryMetrics } from '../../protocol/metrics-payload.js';

/** The current memory of the process. */
export function readMemory(): MemoryMetrics {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { rss, heapTotal, heapUsed, external, arrayBuffers };
}

/** The current heap spaces, by V8's names. */
export function readHeapSpaces(): Record<string, HeapSpaceMetrics> {
  return Object.fromEntries(
    getHeapSpaceStatistics().map((space) => [
      space.space_name,
      {
        current: space.space_size,
        available: space.space_available_size,
        used: space.space_used_size,
        physical: space.physical_space_size,
      },
    ]),
  );
}
