// The load generator, and the downstream server that the applications call.
import { ChildProcess } from './child-process.js';
import type { Outcome } from './load/connections.js';
import type { LoadPlan, LoadResult } from './load/load-process.js';

export class LoadSetup {
  readonly downstreamPort: number;
  readonly #load: ChildProcess;
  readonly #downstream: ChildProcess;

  private constructor(load: ChildProcess, downstream: ChildProcess, downstreamPort: number) {
    this.#load = load;
    this.#downstream = downstream;
    this.downstreamPort = downstreamPort;
  }

  static async start(): Promise<LoadSetup> {
    const load = new ChildProcess('build/bench/load/load-process.js');
    const downstream = new ChildProcess('build/bench/load/downstream-process.js');
    return new LoadSetup(load, downstream, await downstream.port());
  }

  /** Rejects when a response is not a 200. */
  async send(plan: LoadPlan): Promise<Outcome> {
    const result = await this.#load.ask<LoadResult>(plan);
    if ('error' in result) throw new Error(`the load failed: ${result.error}`);
    if (result.failed > 0) throw new Error(`${result.failed} of ${result.responses} responses were not 200`);
    return result;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#load.stop(), this.#downstream.stop()]);
  }
}
