// One life of the connection to an agent, from look-up to `end()`; metrics and spans go in lanes of their own.
import type { Config } from '../config/options.js';
import type { Faults } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { Pause, type Timers } from '../core/sleep.js';
import type { AnnounceAnswer } from '../protocol/announce.js';
import { JsonChannel } from '../transport/http-connection.js';
import type { Address } from '../transport/message.js';
import { AnnounceCycle, type CycleState } from './announce-cycle.js';
import { Backoff } from './backoff.js';
import { type Loss, MetricsSender, type MetricsSource } from './metrics-sender.js';
import { type SpanSource, TraceSender } from './trace-sender.js';

export interface ConnectionDependencies {
  readonly log: Log;
  readonly faults: Faults;
  readonly config: () => Config;
  readonly spans: SpanSource;
  readonly metrics: MetricsSource | null;
  readonly onAnnounced: (answer: AnnounceAnswer) => void;
  readonly isMainThread: boolean;
  readonly isSecret?: (name: string) => boolean;
  readonly routeFile?: string;
  readonly procRoot?: string;
  readonly deadlineMs?: number;
  readonly random?: () => number;
  readonly timers: Timers;
  readonly onState: (state: CycleState | 'ready', address: Address | null, answer: AnnounceAnswer | null) => void;
  readonly onFailure: (reason: string) => void;
}

const retryAfterFaultMs = 10_000;
const flushRetryMs = 100;

/** Two requests at most are under way: one of look-up, announce and metrics, and one with spans. */
export class Connection {
  readonly #dependencies: ConnectionDependencies;
  readonly #control: JsonChannel;
  readonly #traces: JsonChannel;
  readonly #pause: Pause;
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
    this.#control = new JsonChannel(deadlineMs);
    this.#traces = new JsonChannel(deadlineMs);
    this.#pause = new Pause(timers);
    this.#backoff = new Backoff(timers.now, random ?? Math.random);
    this.#cycle = new AnnounceCycle({
      ...dependencies,
      channel: this.#control,
      pause: this.#pause,
      backoff: this.#backoff,
      routeFile: dependencies.routeFile ?? '/proc/self/net/route',
      procRoot: dependencies.procRoot ?? '/proc',
      onState: (state, address) => dependencies.onState(state, address, null),
      onAnnounced: (answer) => this.#tellAnnounced(answer),
      onFailure: (reason) => this.#noteFailure(reason),
    });
    this.#metricsSender = new MetricsSender({
      ...dependencies,
      channel: this.#control,
      pause: this.#pause,
      readCounters: () => spans.readCounters(),
      intervalMs: () => config().metrics.intervalMs,
    });
    this.#traceSender = new TraceSender({
      ...dependencies,
      channel: this.#traces,
      pause: new Pause(timers),
      onLoss: (loss) => this.#metricsSender.lose(loss),
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
    this.#pause.wake();
    this.#control.close();
    this.#traces.close();
    this.#dependencies.metrics?.stop();
  }

  sendSoon(): void {
    this.#traceSender.sendSoon();
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
    else this.#pause.wake();
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      this.#isSearching = true;
      const session = await this.#cycle.connect();
      if (session === null || this.#isOver) return;
      this.#isSearching = false;
      this.#dependencies.onState('ready', session.address, session.answer);
      this.#dependencies.metrics?.start();
      this.#traceSender.use(session);
      const loss = await this.#metricsSender.report(session);
      if (loss !== null) await this.#recover(session.address, loss);
    }
  }

  async #recover(address: Address, loss: Loss): Promise<void> {
    const { metrics, onState, onFailure } = this.#dependencies;
    metrics?.stop();
    if (loss.isForgotten) this.#traceSender.use(null);
    onFailure(loss.reason);
    onState('unannounced', address, null);
    this.#isSearching = true;
    const delayMs = this.#backoff.afterLoss();
    if (delayMs > 0) await this.#pause.wait(delayMs);
  }

  #noteFailure(reason: string): void {
    this.#lastFailure = this.#dependencies.timers.now();
    this.#dependencies.onFailure(reason);
    if (!this.#traceSender.isConnected()) this.#traceSender.endFlushes();
  }

  /** What the sensor does with the answer must not cost the connection. */
  #tellAnnounced(answer: AnnounceAnswer): void {
    try {
      this.#dependencies.onAnnounced(answer);
    } catch (error) {
      this.#dependencies.faults.record('announce answer', error);
    }
  }

  /** A fault of ours in a lane is counted, and the lane begins again after a while. */
  async #repeat(place: string, work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await work();
      } catch (error) {
        this.#dependencies.faults.record(place, error);
        await new Pause(this.#dependencies.timers).wait(retryAfterFaultMs);
      }
    }
  }
}
