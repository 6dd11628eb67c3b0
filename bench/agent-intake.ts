// Whether the local agent keeps up with 20,000 spans a second when its store is full:
// `node build/bench/agent-intake.js [--seconds N] [--rate SPANS] [--json]`.
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.js';
import { figures, option, table } from './figures.js';

const batchSpans = 500;
const storeBound = 20_000;
const pid = process.pid;
const connection = new Agent({ keepAlive: true, maxSockets: 1 });
let nextId = 1;

function batch(): string {
  const now = Date.now();
  const spans = Array.from({ length: batchSpans }, () => {
    const id = (nextId++).toString(16).padStart(16, '0');
    return {
      t: id,
      s: id,
      n: 'node.http.server',
      k: 1,
      f: { e: String(pid), h: '02:42:ac:ff:fe:11:00:02' },
      ec: 0,
      ts: now,
      d: 3,
      stack: [],
      data: {
        http: {
          method: 'GET',
          url: `/shop/items/${id}`,
          params: 'page=1',
          host: 'localhost',
          status: 200,
          path_tpl: '/shop/items/:id',
        },
      },
    };
  });
  return JSON.stringify(spans);
}

/** Milliseconds until the answer. */
function post(port: number, body: string): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: `/com.instana.plugin.nodejs/traces.${pid}`,
        headers,
        agent: connection,
      },
      (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200
            ? resolve(performance.now() - startMs)
            : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    )
      .on('error', reject)
      .end(body);
  });
}

interface AgentState {
  readonly received: number;
  readonly stored: number;
  readonly cpuMicros: number;
}

async function main(): Promise<void> {
  const seconds = option('seconds', 5);
  const rate = option('rate', 20_000);
  const agent = new Child(join(__dirname, 'agent-process.js'));
  try {
    const port = await agent.port();
    for (let sent = 0; sent < storeBound * 1.5; sent += batchSpans) await post(port, batch());
    const before = await agent.ask<AgentState>('count');
    const startMs = performance.now();
    const took: number[] = [];
    const gapMs = (batchSpans / rate) * 1000;
    const batches = Math.round((seconds * rate) / batchSpans);
    for (let index = 0; index < batches; index++) {
      const waitMs = startMs + index * gapMs - performance.now();
      if (waitMs > 1) await sleep(waitMs);
      took.push(await post(port, batch()));
    }
    const behindMs = performance.now() - startMs - seconds * 1000;
    const after = await agent.ask<AgentState>('count');
    const result = {
      node: process.version,
      spansPerSecond: rate,
      seconds,
      stored: after.stored,
      missing: before.received + batches * batchSpans - after.received,
      behindMs: Math.round(Math.max(0, behindMs)),
      agentCpuPercent: Math.round((after.cpuMicros - before.cpuMicros) / (seconds * 10_000)),
      postMs: figures(took),
    };
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
    else
      process.stdout.write(
        `Node.js ${result.node}: ${rate} spans a second for ${seconds} s into a store of ${result.stored}\n` +
          `${result.missing} missing, ${result.behindMs} ms behind at the end, ${result.agentCpuPercent} % of a core\n\n` +
          `${table('ms for a batch of 500', { 'until the answer': result.postMs })}\n`,
      );
    if (result.missing !== 0 || behindMs > 1000) process.exitCode = 1;
  } finally {
    connection.destroy();
    agent.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
