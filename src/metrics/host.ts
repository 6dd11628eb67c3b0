// What the gauges ask of the machine: one place to hand in another machine, for tests of systems that are not at hand.
import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export interface Host {
  readonly platform: NodeJS.Platform;
  /** Text of a file below `/proc`; null where there is none, or none that we may read. */
  readProc(path: string): string | null;
  /** Names of the block devices, partitions left out; null where they cannot be told. */
  blockDevices(): readonly string[] | null;
  /** As `process.constrainedMemory()`: 0, undefined, or more than there is where nothing limits the process. */
  constrainedMemory(): number | undefined;
  totalMemory(): number;
  resourceUsage(): NodeJS.ResourceUsage;
}

export interface HostRoots {
  readonly procRoot?: string;
  readonly sysRoot?: string;
}

/** The machine at hand; files are read below the given roots. */
export function thisHost({ procRoot = '/proc', sysRoot = '/sys' }: HostRoots = {}): Host {
  return {
    platform: process.platform,
    readProc: (path) => orNull(() => readFileSync(`${procRoot}/${path}`, 'latin1')),
    blockDevices: () => orNull(() => readdirSync(`${sysRoot}/block`)),
    constrainedMemory: () => process.constrainedMemory(),
    totalMemory: totalmem,
    resourceUsage: () => process.resourceUsage(),
  };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // another system, or a sandbox without these files
  }
}
