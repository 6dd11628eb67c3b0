// The agents that twin tests put beside an application: from healthy to hanging.
import { TestAgent } from '../../support/agent/test-agent.js';
import { closedPort } from './app-process.js';

export interface TwinAgent {
  readonly port: number;
  /** Null where no agent is. */
  readonly agent: TestAgent | null;
  /** Whether a sensor can announce itself to it. */
  readonly takesAnnounces: boolean;
  close(): Promise<void>;
}

async function local(prepare: (agent: TestAgent) => void, takesAnnounces = true): Promise<TwinAgent> {
  const agent = await TestAgent.start({ record: true });
  prepare(agent);
  return { port: agent.port, agent, takesAnnounces, close: () => agent.close() };
}

/** How an agent may be, and how to get one that is so. */
export const agents: Readonly<Record<string, () => Promise<TwinAgent>>> = {
  healthy: () => local(() => {}),
  absent: async () => ({ port: await closedPort(), agent: null, takesAnnounces: false, close: async () => {} }),
  'answering 500 to everything': () =>
    local(({ faults }) => faults.set('all', { kind: 'respond', status: 500 }), false),
  hanging: () => local(({ faults }) => faults.set('all', { kind: 'hang' }), false),
  'hanging once it is asked to take spans': () => local(({ faults }) => faults.set('traces', { kind: 'hang' })),
};
