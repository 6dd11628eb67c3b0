// A load run that is the same in its short and in its long form.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { AppProcess } from '../twin/app-process.js';
import { sendLoad } from './client.js';

/** Asks the application something over its channel. */
export async function ask<Answer>(app: AppProcess, question: string): Promise<Answer> {
  const answer = once(app.child, 'message');
  app.child.send(question);
  const [message] = (await answer) as [Answer]; // load.cjs sends exactly this
  return message;
}

/** Slope by index: the median of the slopes between all pairs (Theil and Sen), which one step up or down does not turn. */
export function slope(values: readonly number[]): number {
  const slopes = values.flatMap((left, from) =>
    values.slice(from + 1).map((right, between) => (right - left) / (between + 1)),
  );
  slopes.sort((left, right) => left - right);
  return slopes[Math.floor(slopes.length / 2)] ?? Number.NaN;
}

/** The least of a few samples: a metrics payload or an answer of the agent that is under way is in some of them. */
async function quietHeap(app: AppProcess): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < 3; sample++) {
    await sleep(50);
    samples.push((await ask<{ heapUsed: number }>(app, 'heap')).heapUsed);
  }
  return Math.min(...samples);
}

export interface SteadyLoad {
  /** Before the first sample: code and feedback of the runtime itself go on growing for tens of thousands of requests. */
  readonly warmUpRequests: number;
  readonly requests: number;
  readonly blocks: number;
  /** Growth of the heap, in bytes per 1,000 requests. */
  readonly allowedGrowth: number;
  /** Further arguments of Node.js for the application. */
  readonly nodeArguments?: readonly string[];
}

/** A leak is in every run; what V8 and the machine do is not. */
const mostRuns = 3;

/** Sends so many requests in blocks, and checks that each has its span and that the heap stays as it was. Resolves with a line about it. */
export async function steadyLoad(load: SteadyLoad): Promise<string> {
  const tries: string[] = [];
  for (let run = 0; run < mostRuns; run++) {
    const { growth, heaps } = await measureGrowth(load);
    tries.push(`${Math.round(growth)} bytes per 1,000 requests; heaps: ${heaps.join(' ')}`);
    if (growth <= load.allowedGrowth)
      return `heap slope: ${Math.round(growth)} bytes per 1,000 requests in run ${run + 1}, at ${Math.round((heaps.at(-1) ?? 0) / 1024)} KiB`;
  }
  assert.fail(`the heap grows in each of ${mostRuns} runs:\n${tries.join('\n')}`);
}

async function measureGrowth(load: SteadyLoad): Promise<{ growth: number; heaps: readonly number[] }> {
  const { warmUpRequests, requests, blocks } = load;
  const agent = await TestAgent.start({ maxSpans: 2000 });
  const app = await AppProcess.start({
    file: 'twin/load.cjs',
    traced: true,
    agentPort: agent.port,
    channel: true,
    nodeArguments: ['--expose-gc', '--max-old-space-size=64', ...(load.nodeArguments ?? [])],
  });
  try {
    await agent.waitForProcess(app.pid);
    const size = Math.ceil(requests / blocks);
    const heaps: number[] = [];
    await sendLoad(app.port, '/hello/joe?key=1', warmUpRequests);
    let sent = warmUpRequests;
    for (let block = 0; block < blocks; block++) {
      const { answered, wrong } = await sendLoad(app.port, '/hello/joe?key=1', size);
      sent += size;
      assert.deepEqual({ answered, wrong }, { answered: size, wrong: 0 });
      await waitUntil(() => agent.receivedSpanCount() >= sent, `the span of request ${sent}`, 30_000);
      heaps.push(await quietHeap(app));
    }
    assert.equal(agent.receivedSpanCount(), sent);
    const growth = (slope(heaps.slice(Math.floor(heaps.length / 5))) / size) * 1000;
    assert.equal(app.hostStderr, '');
    return { growth, heaps };
  } finally {
    await app.stop();
    await agent.close();
  }
}
