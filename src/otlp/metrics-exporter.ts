// Sends the runtime's metrics as OTLP/JSON at an interval, while there is somewhere to send them to.
import type { OtlpSettings } from '../config/otlp-endpoints.js';
import { systemClock, type Timer, type Timers } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { plainJson } from '../core/plain-json.js';
import { OwnContext } from '../export/background.js';
import { Backoff } from '../export/backoff.js';
import { type Outcome, reasonOf } from '../export/outcome.js';
import type { MetricReadings } from '../metrics/reading.js';
import { OtlpClient } from './otlp-client.js';
import { encodeMetrics } from './otlp-metrics-json.js';
import type { OtlpAttribute } from './resource.js';

/** Observes the runtime. */
export interface ReadingSource {
  /** Nothing is observed before. */
  start(): void;
  stop(): void;
  /** The readings of this moment; null unless it is started. */
  read(): MetricReadings | null;
}

export interface MetricsExporterDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  readonly source: ReadingSource;
  readonly sensorVersion: string;
  readonly timers?: Timers;
}

const maxRetryMs = 60_000;
/** A receiver may ask for a longer pause than ours, but not for an endless one. */
const maxRetryAfterMs = 600_000;

/**
 * Observes and sends nothing without an endpoint. No method throws, and only a pending `flush()` keeps the process alive. There is no queue: sums are cumulative, so the next export includes a lost one.
 */
export class MetricsExporter {
  readonly #dependencies: MetricsExporterDependencies;
  readonly #timers: Timers;
  readonly #context: OwnContext;
  #settings: OtlpSettings | null = null;
  #client: OtlpClient | null = null;
  #attributes: readonly OtlpAttribute[] | null = null;
  #timer: Timer | null = null;
  /** The export under way, if any; never rejects. */
  #export: Promise<void> | null = null;
  #backoff: Backoff | null = null;
  /** Until the next export. */
  #delayMs = 0;
  #isIntroduced = false;

  constructor(dependencies: MetricsExporterDependencies) {
    this.#dependencies = dependencies;
    this.#context = new OwnContext('TsSensorOtlpMetrics', 'OTLP metrics', dependencies.errors);
    this.#timers = dependencies.timers ?? systemClock;
  }

  /**
   * Where to send from now on, null for nowhere, and what to say of this process. While the attributes are null, because they are not
   * complete yet, it observes but does not send.
   */
  use(settings: OtlpSettings | null, attributes: readonly OtlpAttribute[] | null): void {
    this.#context.run(() => {
      this.#attributes = attributes;
      const target = settings === null || settings.url === null ? null : settings;
      if (plainJson(target) !== plainJson(this.#settings)) this.#turnTo(target);
      if (this.isOn() && attributes !== null) this.#introduce(attributes);
    });
  }

  /** Whether there is somewhere to send to. */
  isOn(): boolean {
    return this.#settings !== null;
  }

  /** Resolves when the values of this moment are sent, or after `timeoutMs`; never rejects. Until then it keeps the process alive. */
  flush(timeoutMs: number): Promise<void> {
    if (this.#client === null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#timers.setTimeout(resolve, timeoutMs);
      const end = (): void => {
        this.#timers.clearTimeout(timer);
        resolve();
      };
      this.#context.run(() => void this.#sendLatest().then(end), end);
    });
  }

  /**
   * Sends a last time from the `exit` event of the process, if that can be done at once: into the kept connection, without waiting for a response. It
   * holds nothing up.
   */
  sendAtExit(): void {
    this.#context.run(() => {
      if (this.#export !== null) return; // nearly as new, and in the way
      const body = this.#client === null ? null : this.#encode();
      if (body !== null) this.#client?.postWithoutResponse(body);
    });
  }

  /** Sends a last time, for at most `timeoutMs`, and lets go of everything. */
  async stop(timeoutMs: number): Promise<void> {
    const client = this.#client;
    await this.flush(timeoutMs);
    if (client === this.#client) this.use(null, null);
  }

  #turnTo(target: OtlpSettings | null): void {
    const { source } = this.#dependencies;
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#client?.close();
    this.#client = null;
    this.#isIntroduced = false;
    if (target === null) source.stop();
    else source.start();
    this.#settings = target;
    if (target === null || target.url === null) return;
    this.#client = new OtlpClient(target.url, target);
    this.#delayMs = target.intervalMs;
    // The interval is the wait without a failure.
    this.#backoff = new Backoff(
      { firstMs: 2 * target.intervalMs, maxMs: maxRetryMs, maxRetryAfterMs },
      this.#timers.now,
    );
    this.#schedule(this.#client, this.#delayMs);
  }

  #introduce(attributes: readonly OtlpAttribute[]): void {
    if (this.#isIntroduced) return;
    this.#isIntroduced = true;
    const id = attributes.find(({ key }) => key === 'service.instance.id')?.value ?? {};
    this.#dependencies.log.debug(
      `OTLP metrics go to ${this.#url()} every ${this.#settings?.intervalMs} ms, service.instance.id ${Object.values(id)}`,
    );
  }

  #schedule(client: OtlpClient, delayMs: number): void {
    this.#timer = this.#timers.setTimeout(() => {
      const dueMs = this.#timers.now();
      this.#context.run(() => {
        void this.#send().then(() => {
          const tookMs = this.#timers.now() - dueMs;
          if (client === this.#client) this.#schedule(client, Math.max(1, this.#delayMs - tookMs));
        });
      });
    }, delayMs);
    this.#timer.unref();
  }

  /** Waits for the export under way, whose values are older. */
  async #sendLatest(): Promise<void> {
    await this.#export;
    await this.#send();
  }

  /** Joins the export under way, if any. Never rejects. */
  #send(): Promise<void> {
    this.#export ??= this.#post().finally(() => {
      this.#export = null;
    });
    return this.#export;
  }

  async #post(): Promise<void> {
    try {
      const client = this.#client;
      const backoff = this.#backoff;
      const body = client === null ? null : this.#encode();
      if (client === null || backoff === null || body === null) return;
      const outcome = await client.post(body);
      if (client === this.#client && !client.isAbortedAtExit()) this.#settle(outcome, backoff);
    } catch (error) {
      this.#dependencies.errors.record('OTLP metrics', error);
    }
  }

  #encode(): string | null {
    if (this.#attributes === null) return null;
    const { source, sensorVersion } = this.#dependencies;
    const readings = source.read();
    return readings === null ? null : plainJson(encodeMetrics({ resource: this.#attributes, sensorVersion }, readings));
  }

  #settle(outcome: Outcome, backoff: Backoff): void {
    const { log } = this.#dependencies;
    const intervalMs = this.#settings?.intervalMs ?? maxRetryMs;
    if (outcome.kind === 'accepted' || outcome.kind === 'partial') {
      if (backoff.failures > 0) log.debug(`OTLP metrics are accepted again by ${this.#url()}`);
      backoff.reset();
      this.#delayMs = intervalMs;
      if (outcome.kind === 'partial')
        this.#warn('partial', `has rejected ${outcome.rejected} values: ${outcome.message}`);
      return;
    }
    this.#delayMs = Math.max(intervalMs, backoff.next(outcome.kind === 'retry' ? outcome.retryAfterMs : null));
    if (outcome.kind === 'refused' || outcome.kind === 'too-large')
      this.#warn('refused', `refuses them with status ${outcome.status}`);
    else if (backoff.failures === 1)
      log.debug(`OTLP metrics were not accepted by ${this.#url()} (${reasonOf(outcome)}); trying again less often`);
  }

  /** A warning for a configured endpoint, which its owner can correct; debug level for one that the agent offers. */
  #warn(cause: 'partial' | 'refused', what: string): void {
    const { log } = this.#dependencies;
    const message = `OTLP metrics: ${this.#url()} ${what}`;
    if (this.#settings?.isConfigured === true) log.warnOnce(`OTLP metrics ${cause}`, message);
    else log.debugOnce(`OTLP metrics ${cause}`, message);
  }

  /** Without the query, which may hold a key. */
  #url(): string {
    return this.#client?.url ?? 'nowhere';
  }
}
