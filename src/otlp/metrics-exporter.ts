// Sends the runtime's metrics as OTLP/JSON at an interval, while there is somewhere to send them to.
import { AsyncResource } from 'node:async_hooks';
import type { OtlpSettings } from '../config/otlp-endpoints.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { plainJson } from '../core/plain-json.js';
import { realTimers, type Timer, type Timers } from '../core/sleeper.js';
import type { MetricReadings } from '../metrics/reading.js';
import { OtlpClient, type Outcome } from './otlp-client.js';
import { encodeMetrics } from './otlp-metrics-json.js';
import type { OtlpAttribute } from './resource.js';

/** What observes the runtime. */
export interface ReadingSource {
  /** Nothing is observed before. */
  start(): void;
  stop(): void;
  /** Of this moment; null unless it is started. */
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
/** A receiver may ask to be left alone for longer than we would, but not for ever. */
const maxRetryAfterMs = 600_000;

/**
 * Observes and sends nothing until it is told where to. No method throws, and nothing of it keeps the process alive but a `flush()` under
 * way. There is no queue: sums are cumulative, so the next export tells what a lost one would have.
 */
export class MetricsExporter {
  readonly #dependencies: MetricsExporterDependencies;
  readonly #timers: Timers;
  /** Own requests belong to the context in which this was made, not to that of the request that happens to cause them. */
  readonly #asyncContext: AsyncResource = new AsyncResource('TsSensorOtlpMetrics', { requireManualDestroy: true });
  #settings: OtlpSettings | null = null;
  #client: OtlpClient | null = null;
  #attributes: readonly OtlpAttribute[] | null = null;
  #timer: Timer | null = null;
  /** The export under way, if any; never rejects. */
  #export: Promise<void> | null = null;
  #failures = 0;
  #retryAfterMs = 0;
  #isIntroduced = false;

  constructor(dependencies: MetricsExporterDependencies) {
    this.#dependencies = dependencies;
    this.#timers = dependencies.timers ?? realTimers;
  }

  /**
   * Where to send from now on, null for nowhere, and what to say of this process. While the attributes are null, because they are not
   * complete yet, it observes but does not send.
   */
  use(settings: OtlpSettings | null, attributes: readonly OtlpAttribute[] | null): void {
    this.#quietly(() => {
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
      this.#quietly(() => void this.#sendLatest().then(end), end);
    });
  }

  /**
   * Sends a last time from the `exit` event of the process, if that can be done at once: into the kept connection, without an answer. It
   * holds nothing up.
   */
  sendAtExit(): void {
    this.#quietly(() => {
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
    this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#isIntroduced = false;
    if (target === null) source.stop();
    else source.start();
    this.#settings = target;
    if (target === null || target.url === null) return;
    this.#client = new OtlpClient(target.url, target);
    this.#schedule(this.#client, target.intervalMs);
  }

  #introduce(attributes: readonly OtlpAttribute[]): void {
    if (this.#isIntroduced) return;
    this.#isIntroduced = true;
    const id = attributes.find(({ key }) => key === 'service.instance.id')?.value ?? {};
    this.#dependencies.log.debug(
      `OTLP metrics go to ${this.#target()} every ${this.#settings?.intervalMs} ms, service.instance.id ${Object.values(id)}`,
    );
  }

  #schedule(client: OtlpClient, delayMs: number): void {
    this.#timer = this.#timers.setTimeout(() => {
      const dueMs = this.#timers.now();
      this.#quietly(() => {
        void this.#send().then(() => {
          const tookMs = this.#timers.now() - dueMs;
          if (client === this.#client) this.#schedule(client, Math.max(1, this.#delayMs() - tookMs));
        });
      });
    }, delayMs);
    this.#timer.unref();
  }

  /** Until the next export. */
  #delayMs(): number {
    const intervalMs = this.#settings?.intervalMs ?? maxRetryMs;
    const backoffMs = Math.min(intervalMs * 2 ** this.#failures, maxRetryMs);
    return Math.max(intervalMs, backoffMs, this.#retryAfterMs);
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
      const body = client === null ? null : this.#encode();
      if (client === null || body === null) return;
      const outcome = await client.post(body);
      if (client === this.#client && !client.isAbortedAtExit()) this.#settle(outcome);
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

  #settle(outcome: Outcome): void {
    const { log } = this.#dependencies;
    this.#retryAfterMs = outcome.kind === 'retry' ? Math.min(outcome.retryAfterMs ?? 0, maxRetryAfterMs) : 0;
    if (outcome.kind === 'accepted' || outcome.kind === 'partial') {
      if (this.#failures > 0) log.debug(`OTLP metrics are accepted again by ${this.#target()}`);
      this.#failures = 0;
      if (outcome.kind === 'partial')
        this.#complain('partial', `has rejected ${outcome.rejected} values: ${outcome.message}`);
      return;
    }
    this.#failures = Math.min(this.#failures + 1, 10);
    if (outcome.kind === 'refused') this.#complain('refused', `refuses them with status ${outcome.status}`);
    else if (this.#failures === 1) {
      const reason = outcome.kind === 'retry' ? `status ${outcome.status}` : outcome.reason;
      log.debug(`OTLP metrics were not accepted by ${this.#target()} (${reason}); trying again less often`);
    }
  }

  /** Somebody named this endpoint and can mend it; what an agent offers is no matter of the one who runs the application. */
  #complain(cause: 'partial' | 'refused', what: string): void {
    const { log } = this.#dependencies;
    const message = `OTLP metrics: ${this.#target()} ${what}`;
    if (this.#settings?.isConfigured === true) log.warnOnce(`OTLP metrics ${cause}`, message);
    else log.debugOnce(`OTLP metrics ${cause}`, message);
  }

  /** Without the query, which may hold a key. */
  #target(): string {
    return this.#settings?.url?.replace(/\?.*$/s, '') ?? 'nowhere';
  }

  #quietly(work: () => void, onFault?: () => void): void {
    try {
      this.#asyncContext.runInAsyncScope(work);
    } catch (error) {
      this.#dependencies.errors.record('OTLP metrics', error);
      onFault?.();
    }
  }
}
