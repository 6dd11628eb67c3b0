// Bytes from and to disks: those of the process, and those of its host.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Host } from '../host.js';
import type { NumberPoint, Reading } from '../reading.js';
import { DeviceCounters, type Traffic } from './device-counters.js';

/** Unit of the kernel's counters, whatever the disk's own blocks are. */
const sectorBytes = 512;
/** Devices in memory, and those that only hand on to others, which count the same bytes. */
const virtualDevice = /^(?:loop|ram|zram|dm-|md)\d/;

function points([read, written]: Traffic): readonly NumberPoint[] {
  return [
    { attribute: 'read', value: read },
    { attribute: 'write', value: written },
  ];
}

/** On Linux `fsRead` and `fsWrite` are sectors; elsewhere they are operations, and the registry leaves these metrics out. */
export class ProcessDiskGauge implements Gauge {
  readonly #rate: Rate;

  constructor(usage: NodeJS.ResourceUsage) {
    const [read, written] = bytesOf(usage);
    this.#rate = new Rate(read + written);
  }

  read(moment: Sample): readonly Reading[] {
    const bytes = bytesOf(moment.usage);
    const rate = this.#rate.next(bytes[0] + bytes[1], moment);
    return [
      { name: 'process.runtime.nodejs.disk_io', points: points(bytes) },
      { name: 'process.runtime.nodejs.disk_io.rate', points: [{ value: rate }] },
    ];
  }
}

function bytesOf({ fsRead, fsWrite }: NodeJS.ResourceUsage): Traffic {
  return [fsRead * sectorBytes, fsWrite * sectorBytes];
}

/** Whole disks of the host, also from within a container. */
export class HostDiskGauge implements Gauge {
  readonly #system: Host;
  readonly #counters: DeviceCounters = new DeviceCounters();

  constructor(system: Host) {
    this.#system = system;
    this.#counters.update(this.#disks());
  }

  read(): readonly Reading[] {
    const bytes = this.#counters.update(this.#disks());
    return bytes === null ? [] : [{ name: 'system.disk.io', isSinceStart: true, points: points(bytes) }];
  }

  #disks(): ReadonlyMap<string, Traffic> {
    const text = this.#system.readProc('diskstats');
    const devices = text === null ? null : this.#system.blockDevices();
    return text === null || devices === null ? new Map() : parseDiskstats(text, new Set(devices));
  }
}

/** Lines of https://docs.kernel.org/admin-guide/iostats.html, those of partitions left out. */
function parseDiskstats(text: string, wholeDisks: ReadonlySet<string>): ReadonlyMap<string, Traffic> {
  const disks: Map<string, Traffic> = new Map();
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2];
    // A folder's name cannot have the slash that a device's name may have.
    if (name === undefined || virtualDevice.test(name) || !wholeDisks.has(name.replaceAll('/', '!'))) continue;
    const [read, written] = [Number(fields[5]), Number(fields[9])];
    if (Number.isFinite(read + written)) disks.set(name, [read * sectorBytes, written * sectorBytes]);
  }
  return disks;
}
