// One life of the connection to an agent, from look-up to `end()`; metrics and spans go in lanes of their own.
import type { Config } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { Sleeper, type Timers } from '../core/sleeper.js';
import type { AnnounceResponse } from '../protocol/announce.js';
import { HttpConnection } from '../transport/http-connection.js';
import type { Address } from '../transport/message.js';
import { AnnounceCycle, type CycleState } from './announce-cycle.js';
import { Backoff } from './backoff.js';
import { type Disconnect, MetricsSender, type MetricsSource } from './metrics-sender.js';
import { type SpanSource, TraceSender } from './trace-sender.js';

export interface ConnectionDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  readonly config: () => Config;
  readonly spans: SpanSource;
  readonly metrics: MetricsSource | null;
  readonly onAnnounced: (response: AnnounceResponse) => void;
  readonly isMainThread: boolean;
  readonly isSecret?: (name: string) => boolean;
  readonly routeFile?: string;
  readonly procRoot?: string;
  readonly deadlineMs?: number;
  readonly random?: () => number;
  readonly timers: Timers;
  readonly onState: (state: CycleState | 'ready', address: Address | null, answer: AnnounceResponse | null) => void;
  readonly onFailure: (reason: string) => void;
}

const retryAfterErrorMs = 10_000;
const flushRetryMs = 100;

/** Two requests at most are under way: one of look-up, announce and metrics, and one with spans. */
export class Connection {
  readonly #dependencies: ConnectionDependencies;
  readonly #control: HttpConnection;
  readonly #traces: HttpConnection;
  readonly #sleeper: Sleeper;
  readonly #backoff: Backoff;
  readonly #cycle: AnnounceCycle;
  readonly #metricsSender: MetricsSender;
  readonly #traceSender: TraceSender;
  #isSearching = true;
  #isOver = false;
  #lastFailure: number = Number.NEGATIVE_INFINITY;

  constructor(dependencies: ConnectionDependencies) {
    const { timers, random, spans, config, deadlineMs } = dependencies;
    this.#dependencies = dependencies;
    this.#control = new HttpConnection(deadlineMs);
    this.#traces = new HttpConnection(deadlineMs);
    this.#sleeper = new Sleeper(timers);
    this.#backoff = new Backoff(timers.now, random ?? Math.random);
    this.#cycle = new AnnounceCycle({
      ...dependencies,
      connection: this.#control,
      sleeper: this.#sleeper,
      backoff: this.#backoff,
      routeTablePath: dependencies.routeFile ?? '/proc/self/net/route',
      procRoot: dependencies.procRoot ?? '/proc',
      onState: (state, address) => dependencies.onState(state, address, null),
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
    this.#traceSender = new TraceSender({
      ...dependencies,
      connection: this.#traces,
      sleeper: new Sleeper(timers),
      onDisconnect: (disconnect) => this.#metricsSender.onDisconnect(disconnect),
    });
  }

  /** Starts both lanes. */
  begin(): void {
    void this.#repeat('agent connection', () => this.#live());
    void this.#repeat('trace reporter', () => this.#traceSender.run());
  }

  end(): void {
    this.#isOver = true;
    this.#cycle.end();
    this.#metricsSender.end();
    this.#traceSender.end();
    this.#sleeper.wake();
    this.#control.close();
    this.#traces.close();
    this.#dependencies.metrics?.stop();
  }

  sendSoon(): void {
    this.#traceSender.requestFlush();
  }

  /** Calls `done` once: delivered, out of time, or no agent to be reached. The timer is to keep the process alive. */
  flush(timeoutMs: number, done: () => void): void {
    const { timers } = this.#dependencies;
    const timer = timers.setTimeout(() => {
      if (flush !== null) this.#traceSender.forget(flush);
      done();
    }, timeoutMs);
    const flush = this.#traceSender.flush(timeoutMs, () => {
      timers.clearTimeout(timer);
      done();
    });
    if (flush === null || !this.#isSearching || this.#traceSender.isConnected()) return;
    // Just now nobody was there.
    if (timers.now() - this.#lastFailure < flushRetryMs) this.#traceSender.endFlushes();
    else this.#sleeper.wake();
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      this.#isSearching = true;
      const session = await this.#cycle.connect();
      if (session === null || this.#isOver) return;
      this.#isSearching = false;
      this.#dependencies.onState('ready', session.address, session.identity);
      this.#dependencies.metrics?.start();
      this.#traceSender.use(session);
      const loss = await this.#metricsSender.report(session);
      if (loss !== null) await this.#recover(session.address, loss);
    }
  }

  async #recover(address: Address, loss: Disconnect): Promise<void> {
    const { metrics, onState, onFailure } = this.#dependencies;
    metrics?.stop();
    if (loss.needsAnnounce) this.#traceSender.use(null);
    onFailure(loss.reason);
    onState('unannounced', address, null);
    this.#isSearching = true;
    const delayMs = this.#backoff.afterDisconnect();
    if (delayMs > 0) await this.#sleeper.sleep(delayMs);
  }

  #noteFailure(reason: string): void {
    this.#lastFailure = this.#dependencies.timers.now();
    this.#dependencies.onFailure(reason);
    if (!this.#traceSender.isConnected()) this.#traceSender.endFlushes();
  }

  /** What the sensor does with the answer must not cost the connection. */
  #notifyAnnounced(answer: AnnounceResponse): void {
    try {
      this.#dependencies.onAnnounced(answer);
    } catch (error) {
      this.#dependencies.errors.record('announce answer', error);
    }
  }

  /** A fault of ours in a lane is counted, and the lane begins again after a while. */
  async #repeat(place: string, work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await work();
      } catch (error) {
        this.#dependencies.errors.record(place, error);
        await new Sleeper(this.#dependencies.timers).sleep(retryAfterErrorMs);
      }
    }
  }
}
