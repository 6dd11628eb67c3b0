// The local agent in a process of its own.
import { LocalAgent } from '../src/devtools/local-agent.js';

async function main(): Promise<void> {
  const agent = await LocalAgent.start();
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const { stored } = agent.traces.counts;
    process.send?.({ received: agent.receivedSpanCount(), stored, cpuMicros: user + system });
  });
  process.on('disconnect', () => process.exit(0));
  process.stdout.write(`listening ${agent.port}\n`);
}

void main();
