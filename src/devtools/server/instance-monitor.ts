// Checks processes that report over OTLP at an interval: silence closes their alerts, and a long one removes them.
import type { OtlpReceiver } from './otlp-receiver.js';
import type { AgentStores } from './stores.js';

const maxSilenceMs = 10 * 60_000;

/** Runs while there are instances. */
export class InstanceMonitor {
  readonly #stores: AgentStores;
  readonly #receiver: OtlpReceiver;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(stores: AgentStores, receiver: OtlpReceiver, intervalMs: number) {
    this.#stores = stores;
    this.#receiver = receiver;
    this.#intervalMs = intervalMs;
  }

  /** Starts the interval. It ends itself once no instance is left. */
  start(): void {
    this.#timer ??= setInterval(() => this.#check(), this.#intervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #check(): void {
    this.#stores.alerts.evaluateAll(Date.now());
    this.#receiver.dropSilent(maxSilenceMs);
    if (this.#stores.instances.size === 0) this.stop();
  }
}
