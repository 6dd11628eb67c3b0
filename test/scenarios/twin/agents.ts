// The agents that twin tests put beside an application: from healthy to hanging.
import { TestAgent } from '../../support/agent/test-agent.js';
import { closedPort } from './app-process.js';

export interface TwinAgent {
  readonly port: number;
  /** Null where nobody answers. */
  readonly agent: TestAgent | null;
  close(): Promise<void>;
}

async function local(prepare: (agent: TestAgent) => void): Promise<TwinAgent> {
  const agent = await TestAgent.start({ record: true });
  prepare(agent);
  return { port: agent.port, agent, close: () => agent.close() };
}

/** How an agent may be, and how to get one that is so. */
export const agents: Readonly<Record<string, () => Promise<TwinAgent>>> = {
  healthy: () => local(() => {}),
  absent: async () => ({ port: await closedPort(), agent: null, close: async () => {} }),
  'answering 500 to everything': () => local(({ faults }) => faults.set('all', { kind: 'respond', status: 500 })),
  hanging: () => local(({ faults }) => faults.set('all', { kind: 'hang' })),
  'hanging once it is asked to take spans': () => local(({ faults }) => faults.set('traces', { kind: 'hang' })),
};
