// Machines that are not at hand, by the files and figures that the gauges ask for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Host, thisHost } from '../../../src/metrics/host.js';

const mebibyte = 1024 * 1024;

export interface MachineFacts {
  readonly platform: NodeJS.Platform;
  /** Files below `/proc`. */
  readonly proc?: Readonly<Record<string, string>>;
  readonly blockDevices?: readonly string[];
  readonly constrainedMemory?: number;
  readonly totalMemory?: number;
}

const status = (threads: number, kibibytes: number): string =>
  `Name:\tnode\nUmask:\t0022\nState:\tS (sleeping)\nVmPeak:\t  990004 kB\nVmSize:\t  ${kibibytes} kB\nVmRSS:\t   43520 kB\nThreads:\t${threads}\nvoluntary_ctxt_switches:\t44\n`;

const interfacesHead =
  'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';

/** A line of `/proc/self/net/dev`. */
function networkLine(name: string, received: number, transmitted: number): string {
  return `${name.padStart(6)}:${String(received).padStart(8)} 12 0 0 0 0 0 0 ${transmitted} 34 0 0 0 0 0 0\n`;
}

/** `/proc/self/net/dev` with bytes received and transmitted. */
export function networkFile(interfaces: Readonly<Record<string, readonly [number, number]>>): string {
  return (
    interfacesHead +
    Object.entries(interfaces)
      .map(([name, bytes]) => networkLine(name, ...bytes))
      .join('')
  );
}

/** `/proc/diskstats` with sectors read and written. */
export function diskFile(disks: Readonly<Record<string, readonly [number, number]>>): string {
  return Object.entries(disks)
    .map(
      ([name, [read, written]]) =>
        ` 254       0 ${name} 2497 154 ${read} 1207 276 146 ${written} 1328 0 221 122 9 3 4 2 6 3\n`,
    )
    .join('');
}

/** As the kernel of a host shows them, in a container as well. */
const hostDisks = {
  loop0: [9, 9],
  ram0: [9, 9],
  zram0: [9, 9],
  sda: [1000, 2000],
  sda1: [900, 1900],
  'dm-0': [900, 1900],
} as const;

export type MachineName =
  | 'Linux host'
  | 'container with a limit, cgroup v1'
  | 'container without a limit, cgroup v1'
  | 'container with a limit, cgroup v2'
  | 'container without a limit, cgroup v2'
  | 'sandbox without /proc'
  | 'macOS'
  | 'Windows'
  | 'FreeBSD';

export const machines: Readonly<Record<MachineName, MachineFacts>> = {
  'Linux host': {
    platform: 'linux',
    proc: {
      'self/status': status(7, 720_000),
      'self/net/dev': networkFile({ lo: [5, 5], eth0: [100, 200], docker0: [10, 20] }),
      diskstats: diskFile(hostDisks),
    },
    blockDevices: ['loop0', 'ram0', 'zram0', 'sda', 'dm-0'],
    constrainedMemory: 2 ** 64, // as Node.js 20 says it of a machine without a limit
    totalMemory: 16_384 * mebibyte,
  },
  'container with a limit, cgroup v1': {
    platform: 'linux',
    proc: {
      'self/status': status(11, 1_020_000),
      'self/net/dev': networkFile({ lo: [5, 5], eth0: [100, 200] }),
      diskstats: diskFile(hostDisks),
    },
    blockDevices: ['loop0', 'ram0', 'zram0', 'sda', 'dm-0'],
    constrainedMemory: 512 * mebibyte,
    totalMemory: 16_384 * mebibyte,
  },
  'container without a limit, cgroup v1': {
    platform: 'linux',
    proc: { 'self/status': status(11, 1_020_000), 'self/net/dev': networkFile({ lo: [0, 0] }) },
    constrainedMemory: 2 ** 63 - 4096, // the greatest whole number of pages
    totalMemory: 16_384 * mebibyte,
  },
  'container with a limit, cgroup v2': {
    platform: 'linux',
    proc: {
      'self/status': status(11, 1_020_000),
      'self/net/dev': networkFile({ lo: [5, 5], eth0: [100, 200] }),
      diskstats: diskFile(hostDisks),
    },
    blockDevices: ['loop0', 'ram0', 'zram0', 'sda', 'dm-0'],
    constrainedMemory: 256 * mebibyte,
    totalMemory: 16_384 * mebibyte,
  },
  'container without a limit, cgroup v2': {
    platform: 'linux',
    proc: { 'self/status': status(11, 1_020_000), 'self/net/dev': networkFile({ lo: [5, 5], eth0: [100, 200] }) },
    constrainedMemory: 2 ** 64 - 1, // `max`
    totalMemory: 16_384 * mebibyte,
  },
  'sandbox without /proc': { platform: 'linux', constrainedMemory: 0, totalMemory: 4096 * mebibyte },
  macOS: { platform: 'darwin', constrainedMemory: 0, totalMemory: 32_768 * mebibyte },
  Windows: { platform: 'win32', constrainedMemory: 0, totalMemory: 32_768 * mebibyte },
  FreeBSD: { platform: 'freebsd', constrainedMemory: 0, totalMemory: 8192 * mebibyte },
};

export interface Machine extends Host {
  /** Replaces a file below `/proc`. */
  write(path: string, text: string): void;
  /** Lets what the process has used grow. */
  use(more: Partial<NodeJS.ResourceUsage>): void;
}

/** A machine with files of its own below a root of its own. */
export function makeMachine(t: TestContext, facts: MachineFacts): Machine {
  const root = mkdtempSync(join(tmpdir(), 'machine-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string): void => {
    const file = join(root, 'proc', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const [path, text] of Object.entries(facts.proc ?? {})) write(path, text);
  for (const name of facts.blockDevices ?? []) mkdirSync(join(root, 'sys/block', name), { recursive: true });
  let usage = process.resourceUsage();
  return {
    ...thisHost({ procRoot: join(root, 'proc'), sysRoot: join(root, 'sys') }),
    platform: facts.platform,
    constrainedMemory: () => facts.constrainedMemory,
    totalMemory: () => facts.totalMemory ?? 1,
    resourceUsage: () => usage,
    write,
    use: (more) => {
      const grown = Object.entries(more).map(([name, amount]) => [name, usage[name as keyof typeof usage] + amount]);
      usage = { ...usage, ...Object.fromEntries(grown) };
    },
  };
}
