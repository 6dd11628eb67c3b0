// Counts bytes read from and written to disks, by the process and by its host.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Host } from '../host.js';
import type { NumberPoint, Reading } from '../reading.js';
import { DeviceCounters, type Traffic } from './device-counters.js';

/** Unit of the kernel's counters, independent of the disk's block size. */
const sectorBytes = 512;
/** Devices in memory, and devices on top of others, which count the same bytes. */
const virtualDevice = /^(?:loop|ram|zram|dm-|md)\d/;

function points([read, written]: Traffic): readonly NumberPoint[] {
  return [
    { attribute: 'read', value: read },
    { attribute: 'write', value: written },
  ];
}

/** On Linux, `fsRead` and `fsWrite` are sectors. Elsewhere they are operations, so the registry limits these metrics to Linux. */
export class ProcessDiskGauge implements Gauge {
  readonly #rate: Rate;

  constructor(usage: NodeJS.ResourceUsage) {
    const [read, written] = bytesOf(usage);
    this.#rate = new Rate(read + written);
  }

  read(sample: Sample): readonly Reading[] {
    const bytes = bytesOf(sample.usage);
    const rate = this.#rate.next(bytes[0] + bytes[1], sample);
    return [
      { name: 'process.runtime.nodejs.disk_io', points: points(bytes) },
      { name: 'process.runtime.nodejs.disk_io.rate', points: [{ value: rate }] },
    ];
  }
}

function bytesOf({ fsRead, fsWrite }: NodeJS.ResourceUsage): Traffic {
  return [fsRead * sectorBytes, fsWrite * sectorBytes];
}

/** Counts whole disks of the host, also from within a container. */
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

/** Parses the lines of https://docs.kernel.org/admin-guide/iostats.html, without partitions. */
function parseDiskstats(text: string, wholeDisks: ReadonlySet<string>): ReadonlyMap<string, Traffic> {
  const disks: Map<string, Traffic> = new Map();
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2];
    // A device name may contain a slash; its folder has `!` instead.
    if (name === undefined || virtualDevice.test(name) || !wholeDisks.has(name.replaceAll('/', '!'))) continue;
    const [read, written] = [Number(fields[5]), Number(fields[9])];
    if (Number.isFinite(read + written)) disks.set(name, [read * sectorBytes, written * sectorBytes]);
  }
  return disks;
}
