// The local agent as people run it, in a process of its own; tells what it has done.
import { LocalAgent } from '../../src/devtools/server/local-agent.js';
import { answerParent } from '../child.js';

export interface AgentState {
  readonly received: number;
  readonly stored: number;
  readonly cpuMicros: number;
}

async function main(): Promise<void> {
  const agent = await LocalAgent.start();
  answerParent((): AgentState => {
    const { user, system } = process.cpuUsage();
    const { stored } = agent.traces.counts;
    return { received: agent.receivedSpanCount(), stored, cpuMicros: user + system };
  });
  process.stdout.write(`listening ${agent.port}\n`);
}

void main();
