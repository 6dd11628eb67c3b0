// The local agent as users run it, in its own process; reports what it has received.
import { LocalAgent } from '../../src/devtools/server/local-agent.js';
import { answerParent } from '../child-process.js';

export interface AgentState {
  readonly received: number;
  readonly stored: number;
  readonly cpuMicros: number;
}

async function main(): Promise<void> {
  const agent = await LocalAgent.start();
  answerParent((): AgentState => {
    const { user, system } = process.cpuUsage();
    const { received, stored } = agent.stores.traces.counts;
    return { received, stored, cpuMicros: user + system };
  });
  process.stdout.write(`listening ${agent.port}\n`);
}

void main();
