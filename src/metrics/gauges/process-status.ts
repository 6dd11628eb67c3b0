// Reads the number of threads and the address space of the process on Linux.
import type { Host } from '../host.js';

/** Members are null if the system does not provide them. */
export interface ProcessStatus {
  readonly threads: number | null;
  readonly addressSpaceBytes: number | null;
}

/** Reads `/proc/self/status`. */
export function readProcessStatus(system: Host): ProcessStatus {
  const text = system.readProc('self/status') ?? '';
  const kibibytes = numberAfter(text, /^VmSize:\s*(\d+) kB$/m);
  return {
    threads: numberAfter(text, /^Threads:\s*(\d+)$/m),
    addressSpaceBytes: kibibytes === null ? null : kibibytes * 1024,
  };
}

function numberAfter(text: string, pattern: RegExp): number | null {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}
