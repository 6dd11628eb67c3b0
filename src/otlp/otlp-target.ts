// Spans for a receiver of OTLP, a collector or the agent's port for it: their path, their form, and what its responses lead to.
import type { OtlpSettings } from '../config/otlp-endpoints.js';
import type { Log } from '../core/log.js';
import { plainJson } from '../core/plain-json.js';
import type { Batch, BatchExporter, ExportTarget } from '../export/batch-exporter.js';
import type { FinalRequest } from '../export/exit-flush.js';
import { type Outcome, reasonOf } from '../export/outcome.js';
import type { SpanQueue } from '../spans/span-queue.js';
import { OtlpClient } from './otlp-client.js';
import type { OtlpAttribute } from './resource.js';

export interface OtlpTargetDependencies {
  readonly log: Log;
  readonly spans: SpanQueue;
  readonly sensorVersion: string;
}

/** One for each endpoint: when settings change, another one takes its place. */
export class OtlpTarget implements ExportTarget {
  readonly intervalMs: number;
  readonly finalAddress: Omit<FinalRequest, 'bodies'>;
  readonly #dependencies: OtlpTargetDependencies;
  readonly #client: OtlpClient;
  #attributes: readonly OtlpAttribute[] = [];
  /** JSON of a resource and its scope, by the JSON of the service's name; empty for that of the process. */
  #resources: Map<string, string> = new Map();

  constructor(dependencies: OtlpTargetDependencies, url: string, settings: OtlpSettings) {
    this.#dependencies = dependencies;
    this.#client = new OtlpClient(url, settings);
    this.intervalMs = settings.intervalMs;
    this.finalAddress = { ...this.#client.address, path: this.#client.path, headers: settings.headers };
  }

  /** Takes the attributes of this process for the batches that follow. */
  describe(attributes: readonly OtlpAttribute[]): void {
    this.#attributes = attributes;
    this.#resources = new Map();
  }

  take(): Batch | null {
    let current: string | null = null;
    return this.#dependencies.spans.take((service) => {
      if (service === current) return ',';
      const start = current === null ? '{"resourceSpans":[' : ']}]},';
      current = service;
      return `${start}${this.#resourceOf(service)}`;
    }, ']}]}]}');
  }

  send(body: Batch['body']): Promise<Outcome> {
    return this.#client.post(body);
  }

  onOutcome(outcome: Outcome, exporter: BatchExporter): void {
    const { log } = this.#dependencies;
    if (outcome.kind === 'partial') {
      log.warnOnce('OTLP partial', `the receiver of OTLP spans says: ${outcome.rejected} rejected, ${outcome.message}`);
    } else if (outcome.kind === 'refused') {
      log.warnOnce(
        `OTLP ${outcome.status}`,
        `the receiver of OTLP spans at ${this.#client.url} refuses them with status ${outcome.status}; they are dropped`,
      );
    } else if (outcome.kind !== 'accepted' && outcome.kind !== 'too-large') {
      log.debug(`spans were not delivered by OTLP and are kept: ${reasonOf(outcome)}`);
      if (outcome.kind === 'unreachable') exporter.abandonFlushes();
    }
  }

  /** Gives up the request under way. */
  close(): void {
    this.#client.close();
  }

  /** The JSON before the spans of a service. */
  #resourceOf(service: string): string {
    let json = this.#resources.get(service);
    if (json === undefined) {
      const attributes = this.#attributes.map((attribute) =>
        service !== '' && attribute.key === 'service.name'
          ? { key: attribute.key, value: { stringValue: JSON.parse(service) } }
          : attribute,
      );
      const scope = plainJson({ name: '@instana/ts-sensor', version: this.#dependencies.sensorVersion });
      json = `{"resource":${plainJson({ attributes })},"scopeSpans":[{"scope":${scope},"spans":[`;
      this.#resources.set(service, json);
    }
    return json;
  }
}
