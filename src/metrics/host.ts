// The gauges' access to the machine, replaceable so that tests can simulate other systems.
import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { tryGet } from '../core/try-get.js';

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
  // Other systems, and some sandboxes, do not have these files.
  return {
    platform: process.platform,
    readProc: (path) => tryGet(() => readFileSync(`${procRoot}/${path}`, 'latin1'), null),
    blockDevices: () => tryGet(() => readdirSync(`${sysRoot}/block`), null),
    constrainedMemory: () => process.constrainedMemory(),
    totalMemory: totalmem,
    resourceUsage: () => process.resourceUsage(),
  };
}
