// Totals of the counters of devices, disks or network interfaces, that come, go and begin anew.

/** Bytes in and out. */
export type Traffic = readonly [number, number];

/**
 * Counts from the first update: what a device says when it is first seen happened before. The totals never fall; they are null while no
 * device is seen.
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

/** A counter that is less than it was has begun anew. */
function since(then: number, now: number): number {
  return now < then ? now : now - then;
}
