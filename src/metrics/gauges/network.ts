// Counts bytes through the network interfaces that the process sees: those of its container, or of the host.

import { type Gauge, Rate, type Sample } from '../gauge.js';
import type { Host } from '../host.js';
import type { Reading } from '../reading.js';
import { DeviceCounters, type Traffic } from './device-counters.js';

export class NetworkGauge implements Gauge {
  readonly #system: Host;
  readonly #counters: DeviceCounters = new DeviceCounters();
  readonly #rate: Rate = new Rate(0);

  constructor(system: Host) {
    this.#system = system;
    this.#counters.update(this.#interfaces());
  }

  read(sample: Sample): readonly Reading[] {
    const bytes = this.#counters.update(this.#interfaces());
    if (bytes === null) return [];
    const [received, transmitted] = bytes;
    return [
      {
        name: 'system.network.io',
        isSinceStart: true,
        points: [
          { attribute: 'receive', value: received },
          { attribute: 'transmit', value: transmitted },
        ],
      },
      { name: 'system.network.io.rate', points: [{ value: this.#rate.next(received + transmitted, sample) }] },
    ];
  }

  #interfaces(): ReadonlyMap<string, Traffic> {
    return parseInterfaces(this.#system.readProc('self/net/dev') ?? '');
  }
}

/** Parses lines such as `eth0: 1 2 3 …`: the first number is bytes received, the ninth bytes transmitted. Skips loopback. */
function parseInterfaces(text: string): ReadonlyMap<string, Traffic> {
  const interfaces: Map<string, Traffic> = new Map();
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim();
    if (name === '' || name === 'lo') continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    const [received, transmitted] = [Number(fields[0]), Number(fields[8])];
    if (Number.isFinite(received + transmitted)) interfaces.set(name, [received, transmitted]);
  }
  return interfaces;
}
