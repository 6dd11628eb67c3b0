// The sensor's connection to the Instana agent: the narrow door to all that is in this folder.
import { AsyncResource } from 'node:async_hooks';
import type { Config } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { realTimers, type Timer, type Timers } from '../core/sleeper.js';
import type { FinalRequest } from '../export/exit-flush.js';
import { type AnnounceResponse, tracesPath } from '../protocol/announce.js';
import { Connection } from './connection.js';
import type { MetricsSource } from './metrics-sender.js';
import type { SpanSource } from './trace-sender.js';

export interface AgentDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  /** The values in force at the moment of the call. */
  readonly config: () => Config;
  readonly spans: SpanSource;
  /** Null without metrics: the agent is then told no more than that the process lives. */
  readonly metrics: MetricsSource | null;
  /** Called with each accepted announce, before anything is sent to that agent. */
  readonly onAnnounced: (response: AnnounceResponse) => void;
  /** Names of arguments whose values are to be kept to ourselves, besides the usual ones. */
  readonly isSecret?: (name: string) => boolean;
  /** What is said behind the line that the agent was found, or was not. */
  readonly note?: () => string;
  /** Worker threads send spans only. */
  readonly isMainThread: boolean;
  readonly routeTablePath?: string;
  readonly procRoot?: string;
  /** Longest wait for one answer. */
  readonly deadlineMs?: number;
  readonly random?: () => number;
  readonly timers?: Timers;
}

export type AgentState = 'looking-up' | 'unannounced' | 'announced' | 'ready' | 'off';

export interface AgentStatus {
  readonly state: AgentState;
  /** The address where the agent was found, else the configured one. */
  readonly host: string;
  readonly port: number;
  readonly uuid: string | null;
  /** The pid as the agent knows it. */
  readonly pid: number | null;
  /** When the state was entered, in milliseconds since the epoch. */
  readonly since: number;
}

const untried = 'not tried yet';
const notFoundAfterMs = 10_000;
const recoveryLineEveryMs = 60_000;

/** Off until `start()`. No method throws, and nothing of it keeps the process alive but a `flush()` under way. */
export class Agent {
  readonly #dependencies: AgentDependencies;
  readonly #timers: Timers;
  #asyncContext: AsyncResource | null = null;
  #connection: Connection | null = null;
  #notFoundTimer: Timer | null = null;
  #status: AgentStatus;
  #wasFound = false;
  #lastFoundLine = 0;
  #lastFailure = untried;

  constructor(dependencies: AgentDependencies) {
    this.#dependencies = dependencies;
    this.#timers = dependencies.timers ?? realTimers;
    this.#status = this.#describe('off');
  }

  /** Begins to look for the agent, in a later turn. All that follows runs in the asynchronous context of this call. */
  start(): void {
    if (this.#connection !== null) return;
    this.#asyncContext = new AsyncResource('TsSensorAgent', { requireManualDestroy: true });
    this.#quietly(() => {
      this.#connect();
      this.#notFoundTimer = this.#timers.setTimeout(() => this.#logNotFound(), notFoundAfterMs);
      this.#notFoundTimer.unref();
    });
  }

  /** Drops timers and sockets; spans in flight go back to their source. */
  stop(): void {
    this.#quietly(() => {
      this.#connection?.end();
      if (this.#notFoundTimer !== null) this.#timers.clearTimeout(this.#notFoundTimer);
    });
    this.#connection = null;
    this.#asyncContext = null;
    this.#status = this.#describe('off');
  }

  status(): AgentStatus {
    return this.#status;
  }

  isReady(): boolean {
    return this.#status.state === 'ready';
  }

  /** Whether it is looked for, and nothing has failed yet. */
  mayCome(): boolean {
    return this.#connection !== null && this.#lastFailure === untried;
  }

  /** Sends waiting spans without waiting for the next second. */
  requestFlush(): void {
    this.#quietly(() => this.#connection?.sendSoon());
  }

  /**
   * Resolves when everything that waits now is delivered, after `timeoutMs`, or as soon as it is plain that no agent
   * can be reached; never rejects. Until then it keeps the process alive.
   */
  flush(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#quietly(() => {
        if (this.#connection === null) resolve();
        else this.#connection.flush(timeoutMs, resolve);
      }, resolve);
    });
  }

  /** What is to be sent when the process ends; null when nothing waits or no agent is connected. It counts as delivered. */
  finalRequest(): FinalRequest | null {
    const { state, host, port, pid, uuid } = this.#status;
    if (state !== 'ready' || pid === null || uuid === null) return null;
    const { spans, errors } = this.#dependencies;
    const bodies: Uint8Array[] = [];
    try {
      for (let batch = spans.take(String(pid), uuid); batch !== null; batch = spans.take(String(pid), uuid)) {
        bodies.push(Buffer.from(batch.body));
        spans.acknowledge();
      }
    } catch (error) {
      errors.record('delivery at exit', error);
    }
    return bodies.length === 0 ? null : { host, port, path: tracesPath(pid), bodies };
  }

  /** The configured address is another one: look up again. */
  reconnect(): void {
    if (this.#connection === null) return;
    this.#quietly(() => {
      this.#connection?.end();
      this.#connect();
    });
  }

  #connect(): void {
    const connection = new Connection({
      ...this.#dependencies,
      timers: this.#timers,
      onState: (state, address, answer) => {
        if (connection === this.#connection) this.#enter(this.#describe(state, address, answer));
      },
      onFailure: (reason) => this.#noteFailure(reason),
    });
    this.#connection = connection;
    this.#status = this.#describe('looking-up');
    connection.begin();
  }

  #describe(
    state: AgentState,
    address: { host: string; port: number } | null = null,
    answer: AnnounceResponse | null = null,
  ): AgentStatus {
    const config = this.#dependencies.config();
    return Object.freeze({
      state,
      host: address?.host ?? config.agentHost,
      port: address?.port ?? config.agentPort,
      uuid: answer?.agentUuid ?? null,
      pid: answer?.pid ?? null,
      since: Date.now(),
    });
  }

  #enter(status: AgentStatus): void {
    const previous = this.#status.state;
    if (previous === status.state && status.state !== 'ready') return;
    this.#status = status;
    this.#dependencies.log.debug(`agent at ${addressOf(status)}: ${previous} -> ${status.state}`);
    if (status.state === 'ready') this.#logFound(status);
  }

  #noteFailure(reason: string): void {
    this.#lastFailure = reason;
    this.#dependencies.log.debug(`agent: ${reason}`);
  }

  /** One line when the agent is found, one more after each loss, but not more than one a minute. */
  #logFound(status: AgentStatus): void {
    const now = this.#timers.now();
    if (this.#wasFound && now - this.#lastFoundLine < recoveryLineEveryMs) return;
    const verb = this.#wasFound ? 'found again' : 'found';
    this.#wasFound = true;
    this.#lastFoundLine = now;
    const note = this.#dependencies.note?.() ?? '';
    this.#log('info', `Instana agent ${verb} at ${addressOf(status)}, reporting as process ${status.pid}${note}`);
  }

  #logNotFound(): void {
    if (this.#wasFound) return;
    const { agentHost: host, agentPort: port } = this.#dependencies.config();
    const note = this.#dependencies.note?.() ?? '';
    this.#log(
      'warn',
      `no Instana agent at ${addressOf({ host, port })} (${this.#lastFailure}); the sensor keeps trying and keeps the latest spans${note}`,
    );
  }

  /** The main thread has said it for all. */
  #log(level: 'info' | 'warn', message: string): void {
    this.#dependencies.log[this.#dependencies.isMainThread ? level : 'debug'](message);
  }

  /** Own requests belong to the context of `start()`, not to that of the request that happens to cause them. */
  #quietly(work: () => void, onFault?: () => void): void {
    try {
      if (this.#asyncContext === null) work();
      else this.#asyncContext.runInAsyncScope(work);
    } catch (error) {
      this.#dependencies.errors.record('agent', error);
      onFault?.();
    }
  }
}

function addressOf({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}

export type { AnnounceResponse, MetricsSource, SpanSource };
