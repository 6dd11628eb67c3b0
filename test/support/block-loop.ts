// Blocks the event loop for a time, as a long computation would, without using a core.

/** Returns after `ms`; no callback of this thread runs before. */
export function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
