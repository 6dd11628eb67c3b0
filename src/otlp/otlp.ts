// All that is sent as OTLP: follows the configuration and the agent's response. It is a file of its own beside the preload, with all
// that it needs, so that a process that sends no OTLP does not read it.
import { basename, isAbsolute } from 'node:path';
import type { Config } from '../config/options.js';
import { otlpPort, readOtlpSettings } from '../config/otlp-endpoints.js';
import type { OtlpMetricsMode } from '../config/otlp-mode.js';
import { systemClock } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import type { FinalRequest } from '../export/exit-flush.js';
import type { GcObserver } from '../metrics/gc-observer.js';
import { OtlpMeter } from '../metrics/otlp-meter.js';
import { PackageInfoReader } from '../metrics/package-info.js';
import type { AnnounceResponse } from '../protocol/announce.js';
import type { Redactor } from '../redaction/redactor.js';
import type { SpanQueue } from '../spans/span-queue.js';
import { MetricsExporter } from './metrics-exporter.js';
import { type OtlpAttribute, otlpResource } from './resource.js';
import { SpanExporter } from './span-exporter.js';

export interface OtlpDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly sensorVersion: string;
  readonly config: () => Config;
  readonly env: () => NodeJS.ProcessEnv;
  readonly secrets: () => Redactor;
  /** Runs work of the sensor's own, which must leave no trace. */
  readonly quietly: (work: () => void) => void;
  /** Host of the agent, as it was found; null before there is one. */
  readonly agentHost: () => string | null;
  /** Whether the agent is looked for, and nothing has failed yet. */
  readonly agentMayCome: () => boolean;
  /** The agent's response to the announcement; null before it has come. */
  readonly agentResponse: () => AnnounceResponse | null;
  /** Where finished spans wait for OTLP; null as long as none are to be sent. */
  readonly spans: () => SpanQueue | null;
  /** Null where no metrics are sent: in worker threads, and with metrics off. */
  readonly gc: () => GcObserver | null;
}

/** Longest that anything waits for metrics to be sent. */
const lastMetricsMs = 1000;
const pollMs = 20;

/** Sends nothing before the first `follow()`. Only a pending `flush()` keeps the process alive. */
export class Otlp {
  readonly #dependencies: OtlpDependencies;
  readonly #warn = (message: string): void => this.#dependencies.log.warnOnce(message, message);
  #metrics: MetricsExporter | null = null;
  #traces: SpanExporter | null = null;
  /** Resolves when it is known what package.json calls the application; null before that is needed. */
  #naming: Promise<void> | null = null;
  #isNamed = false;
  #metricsMode: OtlpMetricsMode = 'no';
  #isOver = false;
  #packageName: string | null = null;

  constructor(dependencies: OtlpDependencies) {
    this.#dependencies = dependencies;
  }

  /** To be called whenever the configuration or the agent's response may have changed. */
  follow(metrics: OtlpMetricsMode): void {
    if (this.#isOver) return;
    this.#metricsMode = metrics;
    this.#followMetrics(metrics);
    this.#followTraces();
  }

  /** Where spans go; null before that is known. */
  get tracesUrl(): string | null {
    return this.#traces?.url ?? null;
  }

  /** Sends waiting spans without waiting for the next second. */
  requestFlush(): void {
    this.#traces?.requestFlush();
  }

  /** Resolves when all that is finished is sent, or after `timeoutMs`; never rejects. Until then it keeps the process alive. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#naming === null) return;
    const { now } = this.#dependencies;
    const startMs = now();
    await new Promise<void>((resolve) => {
      // Keeps the process alive, which the name alone would not.
      const timer = systemClock.setTimeout(resolve, timeoutMs);
      void this.#naming?.then(() => {
        systemClock.clearTimeout(timer);
        resolve();
      });
    });
    while (this.#isAgentAwaited() && now() - startMs < timeoutMs) {
      await new Promise<void>((resolve) => {
        systemClock.setTimeout(resolve, pollMs);
      });
    }
    const leftMs = timeoutMs - (now() - startMs);
    await Promise.all([
      this.#traces?.flush(leftMs),
      this.#metrics?.flush(Math.max(1, Math.min(leftMs, lastMetricsMs))),
    ]);
  }

  /** Whether spans wait for an agent that may yet be found, since no other endpoint is configured. */
  #isAgentAwaited(): boolean {
    const { spans, agentMayCome } = this.#dependencies;
    return this.#traces !== null && this.#traces.url === null && (spans()?.waiting() ?? 0) > 0 && agentMayCome();
  }

  /** From the `exit` event of the process: sends metrics at once if that is possible, and returns the spans that wait. */
  finalRequest(): FinalRequest | null {
    this.#metrics?.sendAtExit();
    return this.#traces?.finalRequest() ?? null;
  }

  /** Releases observers, timers and sockets, for good. */
  stop(): void {
    this.#isOver = true;
    this.#traces?.stop();
    void this.#metrics?.stop(lastMetricsMs);
  }

  /** The id by which Instana's dashboards choose this process; part of the log line that the agent was found. */
  note(): string {
    if (this.#metrics?.isOn() !== true) return '';
    const id = this.#resource().find(({ key }) => key === 'service.instance.id')?.value;
    return id !== undefined && 'stringValue' in id ? `, OTLP metrics as instance ${id.stringValue}` : '';
  }

  /** Starts to send spans when that is first asked for. Spans that wait are still sent after a later change of the configuration. */
  #followTraces(): void {
    const { spans, config, env } = this.#dependencies;
    const queue = spans();
    if (queue === null || !config().tracing.enabled) return;
    this.#traces ??= this.#startTraces(queue);
    this.#traces.use(readOtlpSettings(env(), 'traces', this.#agent(), this.#warn), this.#resource());
  }

  #startTraces(spans: SpanQueue): SpanExporter {
    const { log, errors, sensorVersion, config } = this.#dependencies;
    const serviceName = (): string | null => config().serviceName;
    const traces = new SpanExporter({ log, errors, spans, sensorVersion, serviceName });
    this.#askName();
    traces.start();
    return traces;
  }

  #followMetrics(mode: OtlpMetricsMode): void {
    const { env } = this.#dependencies;
    const gc = this.#dependencies.gc();
    if (gc === null) return;
    const settings = mode === 'no' ? null : readOtlpSettings(env(), 'metrics', this.#agent(), this.#warn);
    if (settings === null || (mode === 'if-configured' && !settings.isConfigured)) {
      this.#metrics?.use(null, null);
      return;
    }
    this.#metrics ??= this.#makeMetrics(gc);
    this.#askName();
    this.#metrics.use(settings, this.#isNamed ? this.#resource() : null);
  }

  #makeMetrics(gc: GcObserver): MetricsExporter {
    const { log, errors, now, wallClock, sensorVersion } = this.#dependencies;
    return new MetricsExporter({
      log,
      errors,
      source: new OtlpMeter({ errors, gc, now, wallClock }),
      sensorVersion,
    });
  }

  /** Asks, once, what package.json calls the application. */
  #askName(): void {
    if (this.#naming !== null) return;
    const { errors, quietly } = this.#dependencies;
    this.#naming = this.#readPackageName();
    void this.#naming.then(
      errors.quietly('OTLP', () => {
        this.#isNamed = true;
        quietly(() => this.follow(this.#metricsMode));
      }),
    );
  }

  /** Where the agent takes OTLP; null before it has responded. */
  #agent(): { host: string; port: number } | null {
    const response = this.#dependencies.agentResponse();
    const host = this.#dependencies.agentHost();
    return response === null || host === null ? null : { host, port: otlpPort(response.raw) };
  }

  #resource(): OtlpAttribute[] {
    const { config, env, agentResponse, secrets, sensorVersion } = this.#dependencies;
    const { serviceName, serviceInstanceId } = config();
    const response = agentResponse();
    return otlpResource({
      env: env(),
      serviceName,
      serviceInstanceId,
      packageName: this.#packageName,
      sensorVersion,
      pid: response?.pid ?? process.pid,
      agentUuid: response?.agentUuid ?? null,
      secrets: secrets(),
      warn: this.#warn,
    });
  }

  /** Never rejects. */
  async #readPackageName(): Promise<void> {
    const reader = new PackageInfoReader(this.#dependencies.config().packageJsonPath);
    try {
      await reader.read(({ name }) => {
        this.#packageName = name !== undefined && isAbsolute(name) ? basename(name) : (name ?? null);
        reader.stop();
      });
    } catch (error) {
      this.#dependencies.errors.record('package.json', error);
    }
  }
}
