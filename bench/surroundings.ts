// What stands around the applications of a benchmark: the load generator, and the server that they call.
import { Child } from './child.js';
import type { Outcome } from './load/connections.js';
import type { LoadAnswer, Order } from './load/load-process.js';

export class Surroundings {
  readonly downstreamPort: number;
  readonly #load: Child;
  readonly #downstream: Child;

  private constructor(load: Child, downstream: Child, downstreamPort: number) {
    this.#load = load;
    this.#downstream = downstream;
    this.downstreamPort = downstreamPort;
  }

  static async start(): Promise<Surroundings> {
    const load = new Child('build/bench/load/load-process.js');
    const downstream = new Child('build/bench/load/downstream-process.js');
    return new Surroundings(load, downstream, await downstream.port());
  }

  /** Rejects when a request is not answered well. */
  async send(order: Order): Promise<Outcome> {
    const answer = await this.#load.ask<LoadAnswer>(order);
    if ('error' in answer) throw new Error(`the load broke: ${answer.error}`);
    if (answer.wrong > 0) throw new Error(`${answer.wrong} of ${answer.answered} answers were not 200`);
    return answer;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#load.stop(), this.#downstream.stop()]);
  }
}
