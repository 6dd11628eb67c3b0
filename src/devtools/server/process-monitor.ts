// Samples announced processes from outside, where the CPU of a process is visible even if its event loop is blocked.
import pidusage from 'pidusage';
import type { OutsideView, ProcessStore } from '../store/processes.js';

const intervalMs = 1000;
const maxSilenceMs = 60_000;
/** A pid of another namespace does not exist here, so a process that the system does not know is dropped only after some silence. */
const maxUnknownSilenceMs = 15_000;

/** Samples CPU and memory each second while processes are announced, and drops those that have gone. */
export class ProcessMonitor {
  readonly #processes: ProcessStore;
  readonly #onDropped: (pid: number) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(processes: ProcessStore, onDropped: (pid: number) => void, now: () => number = Date.now) {
    this.#processes = processes;
    this.#onDropped = onDropped;
    this.#now = now;
  }

  /** Starts sampling. It ends itself once no process is left. */
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
    await this.sample();
    // stop() may have been called while the sample was taken.
    if (this.#timer === null) return;
    this.#timer = null;
    if (this.#processes.size > 0) this.start();
  }

  /** Samples every process once. */
  async sample(): Promise<void> {
    for (const { pid, lastSeenMs } of this.#processes.pids()) {
      const outside = await observe(pid);
      this.#processes.observe(pid, outside);
      const silenceMs = this.#now() - lastSeenMs;
      if (silenceMs < maxSilenceMs && (outside !== null || silenceMs < maxUnknownSilenceMs)) continue;
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
