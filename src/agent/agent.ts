// The sensor's connection to the Instana agent, and the only class of this folder that the sensor uses.
import { bracketed } from '../core/bracketed.js';
import { systemClock, type Timer, type Timers } from '../core/clock.js';
import { OwnContext } from '../export/background.js';
import type { FinalRequest } from '../export/exit-flush.js';
import type { AnnounceResponse } from '../protocol/announce.js';
import type { Address } from '../transport/message.js';
import { Connection, type ConnectionDependencies } from './connection.js';

export interface AgentDependencies extends ConnectionDependencies {
  /** Appended to the "agent found" or "no agent" log line. */
  readonly note?: () => string;
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

/** Off until `start()`. No method throws, and only a pending `flush()` keeps the process alive. */
export class Agent {
  readonly #dependencies: AgentDependencies;
  readonly #timers: Timers;
  #context: OwnContext | null = null;
  #connection: Connection | null = null;
  #notFoundTimer: Timer | null = null;
  #status: AgentStatus;
  #wasFound = false;
  #lastFoundLine = 0;
  #lastFailure = untried;

  constructor(dependencies: AgentDependencies) {
    this.#dependencies = dependencies;
    this.#timers = dependencies.timers ?? systemClock;
    this.#status = this.#describe('off');
  }

  /** Begins to look for the agent, in a later turn. All that follows runs in the asynchronous context of this call. */
  start(): void {
    if (this.#connection !== null) return;
    this.#context = new OwnContext('TsSensorAgent', 'agent', this.#dependencies.errors);
    this.#context.run(() => {
      this.#connect();
      this.#notFoundTimer = this.#timers.setTimeout(() => this.#logNotFound(), notFoundAfterMs);
      this.#notFoundTimer.unref();
    });
  }

  /** Drops timers and sockets; spans in flight go back to their source. */
  stop(): void {
    this.#context?.run(() => {
      this.#connection?.end();
      if (this.#notFoundTimer !== null) this.#timers.clearTimeout(this.#notFoundTimer);
    });
    this.#connection = null;
    this.#context = null;
    this.#status = this.#describe('off');
  }

  status(): AgentStatus {
    return this.#status;
  }

  /** Whether the sensor looks for an agent, and nothing has failed yet. */
  mayCome(): boolean {
    return this.#connection !== null && this.#lastFailure === untried;
  }

  /** Sends waiting spans without waiting for the next second. */
  requestFlush(): void {
    this.#context?.run(() => this.#connection?.requestFlush());
  }

  /**
   * Resolves when everything that waits now is delivered, after `timeoutMs`, or as soon as it is plain that no agent
   * can be reached; never rejects. Until then it keeps the process alive.
   */
  flush(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const connection = this.#connection;
      if (connection === null) resolve();
      else this.#context?.run(() => connection.flush(timeoutMs, resolve), resolve);
    });
  }

  /** The spans that wait, for delivery at the end of the process; null when none do or no agent is ready. They count as delivered. */
  finalRequest(): FinalRequest | null {
    return this.#status.state === 'ready' ? (this.#connection?.finalRequest() ?? null) : null;
  }

  /** Looks up again, at the address that is now configured. */
  reconnect(): void {
    if (this.#connection === null) return;
    this.#context?.run(() => {
      this.#connection?.end();
      this.#connect();
    });
  }

  #connect(): void {
    const connection = new Connection(this.#dependencies, {
      onState: (state, address, identity) => {
        if (connection === this.#connection) this.#enter(this.#describe(state, address, identity));
      },
      onFailure: (reason) => this.#noteFailure(reason),
    });
    this.#connection = connection;
    this.#status = this.#describe('looking-up');
    connection.begin();
  }

  #describe(state: AgentState, address: Address | null = null, identity: AnnounceResponse | null = null): AgentStatus {
    const config = this.#dependencies.config();
    return Object.freeze({
      state,
      host: address?.host ?? config.agentHost,
      port: address?.port ?? config.agentPort,
      uuid: identity?.agentUuid ?? null,
      pid: identity?.pid ?? null,
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

  /** In a worker thread at debug level, since the main thread logs it for all. */
  #log(level: 'info' | 'warn', message: string): void {
    this.#dependencies.log[this.#dependencies.isMainThread ? level : 'debug'](message);
  }
}

function addressOf({ host, port }: Address): string {
  return `${bracketed(host)}:${port}`;
}
