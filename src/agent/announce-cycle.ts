// From nothing to ready: looks the agent up, announces the process, waits until the agent is ready for it; and again when it is lost.

import { plainJson } from '../core/plain-json.js';
import type { Sleeper } from '../core/sleeper.js';
import type { Backoff, BackoffPolicy } from '../export/backoff.js';
import {
  type AnnounceResponse,
  announcePath,
  entityPath,
  isAgentResponse,
  parseAnnounceResponse,
} from '../protocol/announce.js';
import type { HttpConnection } from '../transport/http-connection.js';
import type { Address } from '../transport/message.js';
import { askAgent } from './agent-outcome.js';
import { candidates, type HostConfig } from './host-lookup.js';
import { describeProcess } from './process-identity.js';

/** An agent that knows this process. */
export interface Session {
  readonly address: Address;
  readonly identity: AnnounceResponse;
}

export type CycleState = 'looking-up' | 'unannounced' | 'announced';

/** Parts and callbacks of the cycle. */
export interface CycleDependencies {
  readonly connection: HttpConnection;
  readonly sleeper: Sleeper;
  readonly backoff: Backoff;
  readonly config: () => HostConfig;
  readonly routeTablePath: string;
  readonly procRoot: string;
  /** Names of arguments whose values are redacted, besides the usual ones. */
  readonly isSecret?: (name: string) => boolean;
  readonly onState: (state: CycleState, address: Address | null) => void;
  readonly onAnnounced: (response: AnnounceResponse) => void;
  /** An attempt has failed; the next one follows after a wait. */
  readonly onFailure: (reason: string) => void;
}

/** An agent that restarts is found within 2 s. */
export const announceBackoff: BackoffPolicy = {
  firstMs: 1000,
  maxMs: 10_000,
  jitter: 0.2,
  afterDisconnect: { maxMs: 1500, windowMs: 60_000, steadyMs: 10_000 },
};

const announcesBeforeLookup = 3;
const maxReadinessChecks = 60;
const readinessIntervalMs = 1000;

/** Keeps the address it found until three announces in a row have failed there. */
export class AnnounceCycle {
  readonly #dependencies: CycleDependencies;
  #address: Address | null = null;
  #isOver = false;

  constructor(dependencies: CycleDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves once an agent is ready; null only after `end()`. */
  async connect(): Promise<Session | null> {
    while (!this.#isOver) {
      const address = this.#address ?? (await this.#lookUp());
      if (address === null) break;
      this.#address = address;
      const identity = await this.#announce(address);
      if (identity === null) this.#address = null;
      else if (await this.#becomesReady(address, identity.pid)) return { address, identity };
    }
    return null;
  }

  /** Lets `connect()` stop at its next step. */
  end(): void {
    this.#isOver = true;
  }

  async #lookUp(): Promise<Address | null> {
    const { connection, config, routeTablePath, onState, onFailure } = this.#dependencies;
    onState('looking-up', null);
    while (!this.#isOver) {
      let reason = '';
      for (const address of candidates(config(), routeTablePath)) {
        const outcome = await askAgent(connection, address, { method: 'GET', path: '/' });
        if (this.#isOver) return null;
        if (outcome.kind === 'unreachable') reason ||= outcome.reason;
        else if (outcome.kind === 'accepted' && isAgentResponse(outcome.text, outcome.server)) return address;
        else {
          reason ||= `something else answers there, status ${outcome.status}`;
          connection.close();
        }
      }
      onFailure(reason);
      await this.#wait();
    }
    return null;
  }

  /** Null after three failures in a row. */
  async #announce(address: Address): Promise<AnnounceResponse | null> {
    const { connection, procRoot, isSecret, onState, onAnnounced, onFailure } = this.#dependencies;
    onState('unannounced', address);
    for (let failures = 0; failures < announcesBeforeLookup && !this.#isOver; failures++) {
      const outcome = await askAgent(connection, address, {
        method: 'PUT',
        path: announcePath,
        body: (socket) => plainJson(describeProcess(procRoot, socket, isSecret)),
      });
      if (this.#isOver) return null;
      const identity = outcome.kind === 'accepted' ? parseAnnounceResponse(outcome.text) : null;
      if (identity !== null) {
        onAnnounced(identity);
        return identity;
      }
      onFailure(
        outcome.kind === 'unreachable' ? outcome.reason : `the announcement was refused, status ${outcome.status}`,
      );
      await this.#wait();
    }
    return null;
  }

  async #becomesReady(address: Address, pid: number): Promise<boolean> {
    this.#dependencies.onState('announced', address);
    for (let checks = 0; checks < maxReadinessChecks && !this.#isOver; checks++) {
      const { connection, sleeper } = this.#dependencies;
      const outcome = await askAgent(connection, address, { method: 'HEAD', path: entityPath(pid) });
      if (this.#isOver) return false;
      if (outcome.kind === 'accepted') return true;
      await sleeper.sleep(readinessIntervalMs);
      // The agent has ended: the one that starts in its place does not know this process.
      if (outcome.kind === 'unreachable' && outcome.reason === 'ECONNREFUSED') return false;
    }
    return false;
  }

  #wait(): Promise<void> {
    return this.#isOver ? Promise.resolve() : this.#dependencies.sleeper.sleep(this.#dependencies.backoff.next());
  }
}
