// Watches announced processes from outside: a process whose event loop is blocked still shows its CPU here.
import pidusage from 'pidusage';
import type { OutsideView, ProcessStore } from '../store/processes.js';

const intervalMs = 1000;
const silentMs = 60_000;
/** A pid of another namespace does not exist here, so being unknown to the system is not enough while it reports. */
const goneMs = 15_000;

/** Looks at CPU and memory each second while a process is announced, and drops those that have gone. */
export class Watcher {
  readonly #processes: ProcessStore;
  readonly #onDropped: (pid: number) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(processes: ProcessStore, onDropped: (pid: number) => void, now: () => number = Date.now) {
    this.#processes = processes;
    this.#onDropped = onDropped;
    this.#now = now;
  }

  /** Starts watching; it ends by itself when no process is left. */
  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.#tick(), intervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    pidusage.clear();
  }

  async #tick(): Promise<void> {
    await this.look();
    // stop() may have come while the system was asked.
    if (this.#timer === null) return;
    this.#timer = null;
    if (this.#processes.size > 0) this.start();
  }

  /** Looks once at every process. */
  async look(): Promise<void> {
    for (const { pid, ownPid, lastSeenMs } of this.#processes.pids()) {
      const outside = await observe(ownPid);
      this.#processes.observe(pid, outside);
      const silentForMs = this.#now() - lastSeenMs;
      if (silentForMs < silentMs && (outside !== null || silentForMs < goneMs)) continue;
      this.#processes.drop(pid);
      this.#onDropped(pid);
    }
  }
}

async function observe(pid: number): Promise<OutsideView | null> {
  try {
    const { cpu, memory } = await pidusage(pid);
    return { cpuPercent: Math.round(cpu * 10) / 10, rssBytes: memory };
  } catch {
    return null;
  }
}
