// Totals the counters of disks or network interfaces, which may appear, disappear and reset.

/** Bytes in, bytes out. */
export type Traffic = readonly [number, number];

/**
 * Counts from the first update. The first value of a device is its baseline, since that traffic happened earlier. Totals never
 * decrease; they are null while there are no devices.
 */
export class DeviceCounters {
  #last: ReadonlyMap<string, Traffic> = new Map();
  #totals: Traffic = [0, 0];

  update(devices: ReadonlyMap<string, Traffic>): Traffic | null {
    let [received, sent] = this.#totals;
    for (const [name, [now0, now1]] of devices) {
      const [then0, then1] = this.#last.get(name) ?? [now0, now1];
      received += since(then0, now0);
      sent += since(then1, now1);
    }
    this.#last = devices;
    this.#totals = [received, sent];
    return devices.size === 0 ? null : this.#totals;
  }
}

/** The increase of a counter. A counter that has decreased was reset. */
function since(then: number, now: number): number {
  return now < then ? now : now - then;
}
