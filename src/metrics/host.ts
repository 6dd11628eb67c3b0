// The gauges' access to the machine, replaceable so that tests can simulate other systems.
import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export interface Host {
  readonly platform: NodeJS.Platform;
  /** Text of a file below `/proc`; null if it is missing or not readable. */
  readProc(path: string): string | null;
  /** Names of the block devices, without partitions; null if unknown. */
  blockDevices(): readonly string[] | null;
  /** As `process.constrainedMemory()`, in bytes. Without a limit: 0, undefined, or more than the machine has. */
  constrainedMemory(): number | undefined;
  totalMemory(): number;
  resourceUsage(): NodeJS.ResourceUsage;
}

export interface HostRoots {
  readonly procRoot?: string;
  readonly sysRoot?: string;
}

/** The current machine. Its files are read below the two roots. */
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
