// The local agent as a receiver: counts the spans of each kind that it gets.
import { LocalAgent } from '../../src/devtools/server/local-agent.js';
import type { Arrived, Receiver } from './receiver.js';

/** Counts spans as they arrive and keeps the latest. */
export async function receiveInstana(): Promise<Receiver> {
  const kinds = [0, 0, 0, 0];
  const agent = await LocalAgent.start({
    maxSpans: 1000,
    intercept: ({ endpoint, body }, proceed) => {
      if (endpoint === 'traces' && body.accepted && Array.isArray(body.value)) {
        for (const { k } of body.value as { k: number }[]) kinds[k] = (kinds[k] ?? 0) + 1; // only a sensor posts here
      }
      return proceed();
    },
  });
  return {
    port: agent.port,
    arrived: (): Arrived => {
      const [, entries = 0, exits = 0, others = 0] = kinds;
      return { entries, exits, others, isKnown: agent.stores.processes.size > 0 };
    },
  };
}
