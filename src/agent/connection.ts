// One life of the connection to an agent, from look-up to `end()`; metrics and spans have a connection each.
import type { Config } from '../config/options.js';
import { systemClock, type Timers } from '../core/clock.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { Sleeper } from '../core/sleeper.js';
import { keepRunning } from '../export/background.js';
import { Backoff, type BackoffPolicy } from '../export/backoff.js';
import { BatchExporter } from '../export/batch-exporter.js';
import type { FinalRequest } from '../export/exit-flush.js';
import type { AnnounceResponse } from '../protocol/announce.js';
import { HttpConnection } from '../transport/http-connection.js';
import type { Address } from '../transport/message.js';
import { AgentTarget, type AgentTargetDependencies, type SpanSource } from './agent-target.js';
import { AnnounceCycle, announceBackoff, type CycleState } from './announce-cycle.js';
import { type Disconnect, MetricsSender, type MetricsSource } from './metrics-sender.js';

/** Settings and surroundings of the connection. */
export interface ConnectionDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  /** The values in force at the moment of the call. */
  readonly config: () => Config;
  readonly spans: SpanSource;
  /** Null without metrics: then the agent only learns that the process lives. */
  readonly metrics: MetricsSource | null;
  /** Called with each accepted announce, before anything is sent to that agent. */
  readonly onAnnounced: (response: AnnounceResponse) => void;
  /** Names of arguments whose values are redacted, besides the usual ones. */
  readonly isSecret?: (name: string) => boolean;
  /** Worker threads send spans only. */
  readonly isMainThread: boolean;
  readonly routeTablePath?: string;
  readonly procRoot?: string;
  /** Longest wait for one response. */
  readonly deadlineMs?: number;
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** Receives each change of the connection. */
export interface ConnectionListener {
  onState(state: CycleState | 'ready', address: Address | null, identity: AnnounceResponse | null): void;
  onFailure(reason: string): void;
}

/** Not tried again for a while after a failure, or for as long as the agent says. */
export const spanBackoff: BackoffPolicy = {
  firstMs: 1000,
  maxMs: 5000,
  maxRetryAfterMs: 60_000,
  retryAfterReplaces: true,
};

/** Two requests at most are under way: one of look-up, announce and metrics, and one with spans. */
export class Connection {
  readonly #dependencies: ConnectionDependencies;
  readonly #listener: ConnectionListener;
  readonly #timers: Timers;
  readonly #control: HttpConnection;
  readonly #traces: HttpConnection;
  readonly #sleeper: Sleeper;
  readonly #backoff: Backoff;
  readonly #cycle: AnnounceCycle;
  readonly #metricsSender: MetricsSender;
  readonly #exporter: BatchExporter;
  readonly #target: AgentTargetDependencies;
  #isSearching = true;
  #isOver = false;

  constructor(dependencies: ConnectionDependencies, listener: ConnectionListener) {
    const { timers = systemClock, random, spans, config, errors, deadlineMs } = dependencies;
    this.#dependencies = dependencies;
    this.#listener = listener;
    this.#timers = timers;
    this.#control = new HttpConnection(deadlineMs);
    this.#traces = new HttpConnection(deadlineMs);
    this.#sleeper = new Sleeper(timers);
    this.#backoff = new Backoff(announceBackoff, timers.now, random);
    this.#cycle = new AnnounceCycle({
      ...dependencies,
      connection: this.#control,
      sleeper: this.#sleeper,
      backoff: this.#backoff,
      routeTablePath: dependencies.routeTablePath ?? '/proc/self/net/route',
      procRoot: dependencies.procRoot ?? '/proc',
      onState: (state, address) => listener.onState(state, address, null),
      onAnnounced: (response) => this.#notifyAnnounced(response),
      onFailure: (reason) => this.#noteFailure(reason),
    });
    this.#metricsSender = new MetricsSender({
      ...dependencies,
      connection: this.#control,
      sleeper: this.#sleeper,
      readCounters: () => spans.readCounters(),
      intervalMs: () => config().metrics.intervalMs,
    });
    const backoff = new Backoff(spanBackoff, timers.now);
    this.#exporter = new BatchExporter({ source: spans, backoff, timers, errors, place: 'trace reporter' });
    this.#target = {
      ...dependencies,
      connection: this.#traces,
      onDisconnect: (disconnect) => this.#metricsSender.onDisconnect(disconnect),
    };
  }

  /** Starts the look-up, and the export of spans. */
  begin(): void {
    const { errors } = this.#dependencies;
    void keepRunning({
      place: 'agent connection',
      errors,
      timers: this.#timers,
      isOver: () => this.#isOver,
      run: () => this.#live(),
    });
    this.#exporter.start();
  }

  end(): void {
    this.#isOver = true;
    this.#cycle.end();
    this.#metricsSender.end();
    this.#exporter.end();
    this.#sleeper.wake();
    this.#control.close();
    this.#traces.close();
    this.#dependencies.metrics?.stop();
  }

  requestFlush(): void {
    this.#exporter.requestFlush();
  }

  /** Calls `done` once: delivered, out of time, or no agent to be reached. Until then it keeps the process alive. */
  flush(timeoutMs: number, done: () => void): void {
    const isWaiting = this.#exporter.flush(timeoutMs, done);
    if (isWaiting && this.#isSearching && !this.#exporter.isConnected()) this.#sleeper.wake();
  }

  /** The spans that wait; null when none do or there is no session. */
  finalRequest(): FinalRequest | null {
    return this.#exporter.finalRequest();
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      this.#isSearching = true;
      const session = await this.#cycle.connect();
      if (session === null || this.#isOver) return;
      this.#isSearching = false;
      this.#listener.onState('ready', session.address, session.identity);
      this.#dependencies.metrics?.start();
      this.#exporter.use(new AgentTarget(this.#target, session));
      this.#exporter.skipInterval();
      const disconnect = await this.#metricsSender.report(session);
      if (disconnect !== null) await this.#recover(session.address, disconnect);
    }
  }

  async #recover(address: Address, { reason, needsAnnounce }: Disconnect): Promise<void> {
    this.#dependencies.metrics?.stop();
    if (needsAnnounce) this.#exporter.use(null);
    this.#listener.onFailure(reason);
    this.#listener.onState('unannounced', address, null);
    this.#isSearching = true;
    const delayMs = this.#backoff.nextAfterDisconnect();
    if (delayMs > 0) await this.#sleeper.sleep(delayMs);
  }

  #noteFailure(reason: string): void {
    this.#listener.onFailure(reason);
    if (!this.#exporter.isConnected()) this.#exporter.abandonFlushes();
  }

  /** An error in the sensor's use of the response must not end the connection. */
  #notifyAnnounced(response: AnnounceResponse): void {
    try {
      this.#dependencies.onAnnounced(response);
    } catch (error) {
      this.#dependencies.errors.record('announce answer', error);
    }
  }
}
