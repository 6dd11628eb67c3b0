// Each second while an agent is ready: metrics, replies to the agent's requests, counters of the sensor.
import type { InternalErrors } from '../core/internal-errors.js';
import { plainJson } from '../core/plain-json.js';
import type { Sleeper } from '../core/sleeper.js';
import { entityPath, responsePath, tracerMetricsPath } from '../protocol/announce.js';
import { delta, hasVanished } from '../protocol/metrics-payload.js';
import type { HttpConnection } from '../transport/http-connection.js';
import { type AgentOutcome, askAgent } from './agent-outcome.js';
import { parseRequests, respondTo } from './agent-requests.js';
import type { Session } from './announce-cycle.js';

/** The part of the meter that the sender uses. */
export interface MetricsSource {
  /** Begins to observe (event loop, GC); nothing is observed before. */
  start(): void;
  stop(): void;
  /** The complete payload of this moment; `pid` is the reporting pid. */
  read(pid: number): Record<string, unknown>;
}

/** Counters of the sensor since the last read. */
export interface Counters {
  opened: number;
  closed: number;
  dropped: number;
}

/** Why an agent counts as lost, and whether it has forgotten the process, so that spans must wait for a new announce. */
export interface Disconnect {
  readonly reason: string;
  readonly needsAnnounce: boolean;
}

export interface MetricsSenderDependencies {
  readonly connection: HttpConnection;
  readonly sleeper: Sleeper;
  readonly errors: InternalErrors;
  readonly metrics: MetricsSource | null;
  readonly readCounters: () => Counters;
  readonly intervalMs: () => number;
  readonly isMainThread: boolean;
}

const deltasBeforeFull = 300;

/** Shares its channel with the announce cycle: the two never run at the same time. */
export class MetricsSender {
  readonly #dependencies: MetricsSenderDependencies;
  #accepted: Record<string, unknown> | null = null;
  #deltas = 0;
  #disconnect: Disconnect | null = null;
  #isOver = false;
  #countersKnown = false;
  #countersRefused = false;
  #countersFailures = 0;
  #countersToSkip = 0;
  #unsent: Counters = { opened: 0, closed: 0, dropped: 0 };

  constructor(dependencies: MetricsSenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** Sends until the agent is lost and resolves with the reason; null only after `end()`. */
  async report(session: Session): Promise<Disconnect | null> {
    this.#accepted = null;
    this.#disconnect = null;
    // A worker thread has the pid of its process, whose metrics the main thread sends.
    if (!this.#dependencies.isMainThread) await this.#dependencies.sleeper.sleep(Number.POSITIVE_INFINITY);
    while (!this.#isOver && this.#disconnect === null) {
      const disconnect = await this.#sendMetrics(session);
      this.#disconnect ??= disconnect; // spans may have found one meanwhile
      if (this.#isOver || this.#disconnect !== null) break;
      await this.#sendCounters(session);
      if (this.#isOver || this.#disconnect !== null) break;
      await this.#dependencies.sleeper.sleep(this.#dependencies.intervalMs());
    }
    return this.#isOver ? null : this.#disconnect;
  }

  /** Called when the export of spans has lost the agent. */
  onDisconnect(disconnect: Disconnect): void {
    this.#disconnect = disconnect;
    this.#dependencies.sleeper.wake();
  }

  /** Lets `report()` stop at its next step. */
  end(): void {
    this.#isOver = true;
  }

  async #sendMetrics(session: Session): Promise<Disconnect | null> {
    const { pid } = session.identity;
    const payload = this.#read(pid);
    const isFull = this.#accepted === null || this.#deltas > deltasBeforeFull || hasVanished(this.#accepted, payload);
    const body = isFull || this.#accepted === null ? payload : delta(this.#accepted, payload);
    const outcome = await this.#post(session, entityPath(pid), body);
    if (outcome.kind === 'unreachable')
      return { reason: outcome.reason, needsAnnounce: /ECONNREFUSED/.test(outcome.reason) };
    if (outcome.kind !== 'accepted') {
      // 404 right after a good readiness check says nothing about the pid: then spans go on being sent.
      const needsAnnounce = outcome.kind === 'not-found' && this.#accepted !== null;
      return { reason: `metrics were answered with status ${outcome.status}`, needsAnnounce };
    }
    this.#accepted = payload;
    this.#deltas = isFull ? 0 : this.#deltas + 1;
    await this.#respondToRequests(session, outcome.text);
    return null;
  }

  /** Without a meter it sends the pid alone: the agent forgets processes that send nothing. */
  #read(pid: number): Record<string, unknown> {
    const { metrics, errors } = this.#dependencies;
    try {
      return metrics === null ? { pid } : metrics.read(pid);
    } catch (error) {
      errors.record('metrics', error);
      return { pid };
    }
  }

  async #respondToRequests(session: Session, text: string): Promise<void> {
    for (const request of parseRequests(text)) {
      if (this.#isOver) return;
      await this.#post(session, responsePath(session.identity.pid, request.messageId), respondTo(request));
    }
  }

  /** 404 means that the agent has no use for them; after another failure they come more seldom. Nothing counted is lost. */
  async #sendCounters(session: Session): Promise<void> {
    if (this.#countersRefused || this.#countersToSkip-- > 0) return;
    const { opened, closed, dropped } = this.#dependencies.readCounters();
    const unsent = this.#unsent;
    this.#unsent = {
      opened: unsent.opened + opened,
      closed: unsent.closed + closed,
      dropped: unsent.dropped + dropped,
    };
    // Nothing happened since the last time: an idle process need not say so each second.
    if (this.#countersKnown && this.#unsent.opened + this.#unsent.closed + this.#unsent.dropped === 0) return;
    const { pid } = session.identity;
    const outcome = await this.#post(session, tracerMetricsPath, { pid, metrics: this.#unsent });
    if (outcome.kind === 'accepted') {
      this.#unsent = { opened: 0, closed: 0, dropped: 0 };
      this.#countersKnown = true;
      this.#countersFailures = 0;
      this.#countersToSkip = 0;
      return;
    }
    this.#countersRefused = outcome.kind === 'not-found';
    this.#countersFailures += 1;
    this.#countersToSkip = this.#countersFailures;
  }

  #post({ address }: Session, path: string, body: unknown): Promise<AgentOutcome> {
    return askAgent(this.#dependencies.connection, address, { method: 'POST', path, body: plainJson(body) });
  }
}
