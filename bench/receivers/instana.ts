// The local agent as a receiver: counts the spans of each kind that it gets.
import { LocalAgent } from '../../src/devtools/server/local-agent.js';
import type { Arrived, Receiver } from './receiver.js';

/** Starts an agent. It keeps requests only until they are counted. */
export async function receiveInstana(): Promise<Receiver> {
  const agent = await LocalAgent.start({ record: true, maxSpans: 1000 });
  const kinds = [0, 0, 0, 0];
  const count = (): void => {
    for (const { body, path } of agent.requests('POST')) {
      if (!path.includes('/traces.') || !Array.isArray(body)) continue;
      for (const { k } of body as { k: number }[]) kinds[k] = (kinds[k] ?? 0) + 1; // the agent has validated them as spans
    }
    agent.clear();
  };
  return {
    port: agent.port,
    arrived: (): Arrived => {
      count();
      const [, entries = 0, exits = 0, others = 0] = kinds;
      return { entries, exits, others, isKnown: agent.processes.views().length > 0 };
    },
  };
}
