// Sends spans as OTLP/JSON to the endpoint of the settings in force.
import type { OtlpSettings } from '../config/otlp-endpoints.js';
import { systemClock, type Timers } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import { plainJson } from '../core/plain-json.js';
import { OwnContext } from '../export/background.js';
import { Backoff, type BackoffPolicy } from '../export/backoff.js';
import { BatchExporter } from '../export/batch-exporter.js';
import type { FinalRequest } from '../export/exit-flush.js';
import { withoutQuery } from './otlp-client.js';
import { OtlpSpanSerializer } from './otlp-span-json.js';
import { OtlpTarget, type OtlpTargetDependencies } from './otlp-target.js';
import type { OtlpAttribute } from './resource.js';

export interface SpanExporterDependencies extends OtlpTargetDependencies {
  readonly errors: InternalErrors;
  /** The name of the service for spans that are encoded now; null: that of the resource. */
  readonly serviceName: () => string | null;
  readonly timers?: Timers;
  readonly random?: () => number;
}

/** A receiver may ask for a longer pause than ours, but not for an endless one. */
const backoffPolicy: BackoffPolicy = { firstMs: 1000, maxMs: 30_000, jitter: 0.2, maxRetryAfterMs: 600_000 };

/** Off until `start()`. No method throws, and only a pending `flush()` keeps the process alive. */
export class SpanExporter {
  readonly #dependencies: OtlpTargetDependencies;
  readonly #context: OwnContext;
  readonly #exporter: BatchExporter;
  #settings: OtlpSettings | null = null;
  #target: OtlpTarget | null = null;

  constructor(dependencies: SpanExporterDependencies) {
    const { errors, spans, serviceName, timers = systemClock, random } = dependencies;
    const place = 'sending OTLP spans';
    const backoff = new Backoff(backoffPolicy, timers.now, random);
    this.#dependencies = dependencies;
    this.#context = new OwnContext('TsSensorOtlp', place, errors);
    this.#exporter = new BatchExporter({ source: spans, backoff, timers, errors, place });
    spans.useSerializer(new OtlpSpanSerializer(serviceName));
  }

  /**
   * Begins to send as soon as there is an endpoint, but not before an interval has passed: more is known of the process by then.
   * All that follows runs in the asynchronous context of this call.
   */
  start(): void {
    this.#exporter.start();
  }

  /** The endpoint and the attributes of this process from now on. */
  use(settings: OtlpSettings, attributes: readonly OtlpAttribute[]): void {
    if (this.#settings === null || plainJson(this.#settings) !== plainJson(settings)) {
      this.#settings = settings;
      this.#target?.close();
      this.#target = settings.url === null ? null : new OtlpTarget(this.#dependencies, settings.url, settings);
      this.#exporter.use(this.#target);
      this.#exporter.skipBackoff();
    }
    this.#target?.describe(attributes);
  }

  /** Sends before the interval is over. */
  requestFlush(): void {
    this.#context.run(() => this.#exporter.requestFlush());
  }

  /** Where spans go, without query; null while that is not known. */
  get url(): string | null {
    const url = this.#settings?.url ?? null;
    return url === null ? null : withoutQuery(url);
  }

  /**
   * Resolves when all that waits now is delivered or given up, after `timeoutMs`, or as soon as it is plain that there is no receiver;
   * never rejects. Until then it keeps the process alive.
   */
  flush(timeoutMs: number): Promise<void> {
    if (this.#target === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#context.run(() => this.#exporter.flush(timeoutMs, resolve), resolve);
    });
  }

  /** The spans that wait, for delivery at the end of the process; null when none do, or there is no endpoint. They count as delivered. */
  finalRequest(): FinalRequest | null {
    return this.#exporter.finalRequest();
  }

  /** Drops timers and sockets; what is in flight goes back. */
  stop(): void {
    this.#exporter.end();
    this.#target?.close();
  }
}
