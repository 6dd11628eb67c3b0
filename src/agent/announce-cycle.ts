// From nothing to ready: looks the agent up, announces the process, waits until the agent is ready for it; and again when it is lost.

import { plainJson } from '../core/plain-json.js';
import type { Pause } from '../core/sleep.js';
import {
  type AnnounceAnswer,
  announcePath,
  entityPath,
  isAgentAnswer,
  parseAnnounceAnswer,
} from '../protocol/announce.js';
import type { JsonChannel } from '../transport/http-connection.js';
import { type Address, isGood, type JsonAnswer, type JsonRequest } from '../transport/message.js';
import type { Backoff } from './backoff.js';
import { candidates, type HostConfig } from './host-lookup.js';
import { describeProcess } from './process-identity.js';

/** An agent that knows this process. */
export interface Session {
  readonly address: Address;
  readonly answer: AnnounceAnswer;
}

export type CycleState = 'looking-up' | 'unannounced' | 'announced';

/** What the cycle works with and whom it tells. */
export interface CycleDependencies {
  readonly channel: JsonChannel;
  readonly pause: Pause;
  readonly backoff: Backoff;
  readonly config: () => HostConfig;
  readonly routeFile: string;
  readonly procRoot: string;
  /** Names of arguments whose values are to be kept to ourselves, besides the usual ones. */
  readonly isSecret?: (name: string) => boolean;
  readonly onState: (state: CycleState, address: Address | null) => void;
  readonly onAnnounced: (answer: AnnounceAnswer) => void;
  /** An attempt came to nothing; there is another after a wait. */
  readonly onFailure: (reason: string) => void;
}

const announcesBeforeLookup = 3;
const maximumReadinessChecks = 60;
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
      const answer = await this.#announce(address);
      if (answer === null) this.#address = null;
      else if (await this.#becomesReady(address, answer.pid)) return { address, answer };
    }
    return null;
  }

  /** Lets `connect()` stop at its next step. */
  end(): void {
    this.#isOver = true;
  }

  async #lookUp(): Promise<Address | null> {
    const { channel, config, routeFile, onState, onFailure } = this.#dependencies;
    onState('looking-up', null);
    while (!this.#isOver) {
      let reason = '';
      for (const address of candidates(config(), routeFile)) {
        const answer = await send(channel, address, { method: 'GET', path: '/' });
        if (this.#isOver) return null;
        if (typeof answer === 'string') reason ||= answer;
        else if (isGood(answer.status) && isAgentAnswer(answer.text, answer.server)) return address;
        else {
          reason ||= `something else answers there, status ${answer.status}`;
          channel.close();
        }
      }
      onFailure(reason);
      await this.#wait();
    }
    return null;
  }

  /** Null after three failures in a row. */
  async #announce(address: Address): Promise<AnnounceAnswer | null> {
    const { channel, procRoot, isSecret, onState, onAnnounced, onFailure } = this.#dependencies;
    onState('unannounced', address);
    for (let failures = 0; failures < announcesBeforeLookup && !this.#isOver; failures++) {
      const answer = await send(channel, address, {
        method: 'PUT',
        path: announcePath,
        body: (socket) => plainJson(describeProcess(procRoot, socket, isSecret)),
      });
      if (this.#isOver) return null;
      const accepted = typeof answer !== 'string' && isGood(answer.status) ? parseAnnounceAnswer(answer.text) : null;
      if (accepted !== null) {
        onAnnounced(accepted);
        return accepted;
      }
      onFailure(typeof answer === 'string' ? answer : `the announcement was refused, status ${answer.status}`);
      await this.#wait();
    }
    return null;
  }

  async #becomesReady(address: Address, pid: number): Promise<boolean> {
    this.#dependencies.onState('announced', address);
    for (let checks = 0; checks < maximumReadinessChecks && !this.#isOver; checks++) {
      const answer = await send(this.#dependencies.channel, address, { method: 'HEAD', path: entityPath(pid) });
      if (this.#isOver) return false;
      if (typeof answer !== 'string' && isGood(answer.status)) return true;
      await this.#dependencies.pause.wait(readinessIntervalMs);
      // Nobody listens any more: whoever comes back knows nothing of this process.
      if (answer === 'ECONNREFUSED') return false;
    }
    return false;
  }

  #wait(): Promise<void> {
    return this.#isOver ? Promise.resolve() : this.#dependencies.pause.wait(this.#dependencies.backoff.next());
  }
}

/** The answer, or why there is none. */
export async function send(
  sender: Pick<JsonChannel, 'send'>,
  address: Address,
  request: JsonRequest,
): Promise<JsonAnswer | string> {
  try {
    return await sender.send(address, request);
  } catch (error) {
    return reasonOf(error);
  }
}

/** The text of an error, for a log. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
