// Time, timers and random numbers, taken before the application can replace them.

/** A timer as Node.js makes it. */
export interface Timer {
  /** Lets the process end although the timer has not run. */
  unref(): unknown;
}

/** What a part that waits needs; tests pass their own. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Milliseconds that only grow. */
  now(): number;
}

/** Everything that is taken from the machine. */
export interface Clock extends Timers {
  setInterval(callback: () => void, intervalMs: number): Timer;
  clearInterval(timer: Timer): void;
  setImmediate(callback: () => void): Timer;
  /** Milliseconds since the epoch; may jump. */
  wallClock(): number;
  /** From 0 to less than 1. */
  random(): number;
}

// Applications and their tests replace these, for instance with fake timers. This file is loaded with the sensor, so it has the originals.
const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = globalThis;

/** The real one. */
export const systemClock: Clock = {
  setTimeout,
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout), // made by the line above
  setInterval,
  clearInterval: (timer) => clearInterval(timer as NodeJS.Timeout), // likewise
  setImmediate,
  now: performance.now.bind(performance),
  wallClock: Date.now,
  random: Math.random,
};
