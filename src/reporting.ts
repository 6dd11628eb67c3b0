// What leaves the process: the agent connection, metrics and OTLP, each loaded when it is first needed.
import type { Agent, AgentStatus } from './agent/agent.js';
import type { Configuration } from './config/configuration.js';
import { environment } from './config/environment.js';
import { systemClock } from './core/clock.js';
import type { InternalErrors } from './core/internal-errors.js';
import type { Log } from './core/log.js';
import type { Ticker } from './core/ticker.js';
import type { FinalRequest } from './export/exit-flush.js';
import type { ListeningServers } from './instrumentation/http/listening-servers.js';
import { isMainThread } from './lifecycle.js';
import type { AgentMeter } from './metrics/agent-meter.js';
import type { GcObserver } from './metrics/gc-observer.js';
import type { Otlp } from './otlp/otlp.js';
import type { AnnounceResponse } from './protocol/announce.js';
import type { Redactor } from './redaction/redactor.js';
import type { ActiveSpan } from './spans/active-span.js';
import type { Recorder } from './spans/recorder.js';

export interface ReportingDependencies {
  readonly version: string;
  readonly log: Log;
  readonly errors: InternalErrors;
  readonly ticker: Ticker;
  readonly configuration: Configuration;
  readonly recorder: Recorder;
  readonly activeSpan: ActiveSpan;
  readonly servers: ListeningServers;
  readonly redactor: () => Redactor;
  /** Whether a package was loaded before the sensor. */
  readonly initTooLate: () => boolean;
  /** Called when the agent's response may have changed the configuration. */
  readonly onConfig: () => void;
}

/** Sends nothing before `connect()`. Its own requests leave no spans. */
export class Reporting {
  readonly #dependencies: ReportingDependencies;
  #agent: Agent | null = null;
  #agentResponse: AnnounceResponse | null = null;
  #meter: AgentMeter | null = null;
  /** Null where no metrics are sent: in worker threads, and without them. */
  #gc: GcObserver | null = null;
  /** Null as long as nothing is to be sent as OTLP. */
  #otlp: Otlp | null = null;

  constructor(dependencies: ReportingDependencies) {
    this.#dependencies = dependencies;
  }

  /** Begins to look for the agent. Calls after the first do nothing. */
  connect(): void {
    if (this.#agent === null) this.#dependencies.activeSpan.runSuppressed(() => this.#connect());
  }

  /** To be called whenever the configuration may have changed. */
  followConfig(): void {
    if (this.#agent !== null) this.#dependencies.activeSpan.runSuppressed(() => this.#followOtlp());
  }

  /** Looks for the agent again, since its address has changed. */
  reconnect(): void {
    this.#dependencies.activeSpan.runSuppressed(() => this.#agent?.reconnect());
  }

  /** Sends what waits for the agent without waiting for the next second. */
  requestAgentFlush(): void {
    this.#agent?.requestFlush();
  }

  /** The same for OTLP. */
  requestOtlpFlush(): void {
    this.#otlp?.requestFlush();
  }

  /** Resolves when all that is finished is delivered, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    await Promise.all([this.#agent?.flush(timeoutMs), this.#otlp?.flush(timeoutMs)]);
  }

  /** From the `exit` event of the process: the requests with what still waits. */
  finalRequests(): FinalRequest[] {
    // A short script may end before `connect()`.
    if (this.#otlp === null) this.#followOtlp();
    return [this.#agent?.finalRequest(), this.#otlp?.finalRequest()].flatMap((request) => request ?? []);
  }

  /** The agent's is null before `connect()`; the URL is null when no spans are sent as OTLP, and before it is known. */
  status(): { readonly agent: AgentStatus | null; readonly otlpUrl: string | null } {
    return { agent: this.#agent?.status() ?? null, otlpUrl: this.#otlp?.tracesUrl ?? null };
  }

  stop(): void {
    this.#agent?.stop();
    this.#otlp?.stop();
    this.#meter?.stop();
  }

  #connect(): void {
    const { log, errors, configuration, recorder, redactor, onConfig } = this.#dependencies;
    const { Agent: AgentClass } = require('./agent/agent.js') as typeof import('./agent/agent.js');
    const isMain = isMainThread();
    const isSecret = (name: string): boolean => redactor().isSecret(name);
    if (isMain && configuration.current().metrics.enabled) this.#startMetrics(isSecret);
    this.#agent = new AgentClass({
      log,
      errors,
      config: configuration.current,
      spans: recorder,
      metrics: this.#meter,
      isMainThread: isMain,
      isSecret,
      note: () => this.#otlp?.note() ?? '',
      onAnnounced: (response) => {
        this.#agentResponse = response;
        configuration.followAgent(response.raw);
        onConfig();
      },
    });
    this.#agent.start();
    this.#followOtlp();
  }

  #startMetrics(isSecret: (name: string) => boolean): void {
    const { log, errors, ticker, configuration, version, servers, initTooLate } = this.#dependencies;
    const { AgentMeter: MeterClass } = require('./metrics/agent-meter.js') as typeof import('./metrics/agent-meter.js');
    const { GcObserver: GcClass } = require('./metrics/gc-observer.js') as typeof import('./metrics/gc-observer.js');
    this.#gc = new GcClass(errors);
    this.#meter = new MeterClass({
      ticker,
      errors,
      gc: this.#gc,
      log,
      config: configuration.current,
      httpServers: () => ({ ...servers.all() }),
      initTooLate,
      sensorVersion: version,
      isSecret,
    });
  }

  /** Loads what sends OTLP when that is first asked for. */
  #followOtlp(): void {
    const { configuration, recorder } = this.#dependencies;
    const mode = configuration.otlpMetricsMode();
    if (recorder.otlp !== null || (mode !== 'no' && this.#gc !== null)) this.#otlp ??= this.#makeOtlp();
    this.#otlp?.follow(mode);
  }

  #makeOtlp(): Otlp {
    const { log, errors, version, configuration, recorder, redactor, activeSpan } = this.#dependencies;
    const { Otlp: OtlpClass } = require('./otlp/otlp.js') as typeof import('./otlp/otlp.js');
    return new OtlpClass({
      log,
      errors,
      now: systemClock.now,
      wallClock: systemClock.wallClock,
      sensorVersion: version,
      config: configuration.current,
      env: environment,
      secrets: redactor,
      quietly: (work) => activeSpan.runSuppressed(work),
      agentHost: () => this.#agent?.status().host ?? null,
      agentMayCome: () => this.#agent?.mayCome() === true,
      agentResponse: () => this.#agentResponse,
      spans: () => recorder.otlp,
      gc: () => this.#gc,
    });
  }
}
