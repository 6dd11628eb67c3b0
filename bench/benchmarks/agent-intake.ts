// Whether the local agent keeps up with many spans while its store is full, and how long it takes to list traces.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Report } from '../benchmark.js';
import { ChildProcess } from '../child-process.js';
import type { Options } from '../options.js';
import type { AgentState } from '../receivers/agent-process.js';
import { type Quartiles, quartiles, quartilesCells, quartilesHead, table } from '../statistics.js';

export interface AgentIntakeResult {
  readonly spansPerSecond: number;
  readonly seconds: number;
  readonly stored: number;
  readonly missing: number;
  /** How late the last batch was. */
  readonly behindMs: number;
  readonly agentCpuPercent: number;
  readonly batchMs: Quartiles;
  readonly listMs: Quartiles;
}

const batchSpans = 500;
const listedTraces = 500;
const maxStoredSpans = 20_000;
const maxDelayMs = 1000;
const pid = process.pid;

/** A batch of spans, each of a trace of its own, numbered from `first`. */
function batch(first: number): string {
  const ts = Date.now();
  const spans = Array.from({ length: batchSpans }, (_, index) => {
    const id = (first + index).toString(16).padStart(16, '0');
    const url = `/shop/items/${id}`;
    const http = { method: 'GET', url, params: 'page=1', host: 'localhost', status: 200, path_tpl: '/shop/items/:id' };
    const f = { e: String(pid), h: '02:42:ac:ff:fe:11:00:02' };
    return { t: id, s: id, n: 'node.http.server', k: 1, f, ec: 0, ts, d: 3, stack: [], data: { http } };
  });
  return JSON.stringify(spans);
}

/** Sends requests to the agent on one connection, one at a time. */
class Client {
  readonly #port: number;
  readonly #connection: Agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #nextId = 1;

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves with the milliseconds until the response. */
  postBatch(): Promise<number> {
    const body = batch(this.#nextId);
    this.#nextId += batchSpans;
    return this.#send('POST', `/com.instana.plugin.nodejs/traces.${pid}`, body);
  }

  list(): Promise<number> {
    return this.#send('GET', `/api/traces?limit=${listedTraces}`, '');
  }

  #send(method: string, path: string, body: string): Promise<number> {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const options = { port: this.#port, host: '127.0.0.1', method, path, headers, agent: this.#connection };
    const startMs = performance.now();
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 200) resolve(performance.now() - startMs);
          else reject(new Error(`the agent responded with ${response.statusCode}`));
        });
      });
      sent.on('error', reject).end(body);
    });
  }

  close(): void {
    this.#connection.destroy();
  }
}

/** Posts batches when they are due. Resolves with how long each took. */
async function post(client: Client, batches: number, gapMs: number): Promise<{ took: number[]; behindMs: number }> {
  const startMs = performance.now();
  const took: number[] = [];
  for (let index = 0; index < batches; index++) {
    const waitMs = startMs + index * gapMs - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    took.push(await client.postBatch());
  }
  return { took, behindMs: Math.max(0, performance.now() - startMs - batches * gapMs) };
}

export async function agentIntake(options: Options): Promise<AgentIntakeResult> {
  const seconds = options.count('seconds', 5, 1);
  const rate = options.count('rate', 50_000, 20_000);
  const agent = new ChildProcess('build/bench/receivers/agent-process.js');
  const client = new Client(await agent.port());
  try {
    for (let sent = 0; sent < maxStoredSpans * 1.5; sent += batchSpans) await client.postBatch();
    const before = await agent.ask<AgentState>('state');
    const batches = Math.round((seconds * rate) / batchSpans);
    const { took, behindMs } = await post(client, batches, (batchSpans / rate) * 1000);
    const after = await agent.ask<AgentState>('state');
    const lists: number[] = [];
    for (let list = 0; list < 20; list++) lists.push(await client.list());
    return {
      spansPerSecond: rate,
      seconds,
      stored: after.stored,
      missing: before.received + batches * batchSpans - after.received,
      behindMs,
      agentCpuPercent: Math.round((after.cpuMicros - before.cpuMicros) / (seconds * 10_000)),
      batchMs: quartiles(took),
      listMs: quartiles(lists),
    };
  } finally {
    client.close();
    await agent.stop();
  }
}

function voidsOf({ missing, behindMs }: AgentIntakeResult): string[] {
  return [
    ...(missing === 0 ? [] : [`${missing} spans are missing`]),
    ...(behindMs <= maxDelayMs ? [] : [`the agent was ${Math.round(behindMs)} ms behind at the end`]),
  ];
}

export const agentIntakeBenchmark: Benchmark = {
  name: 'agent-intake',
  title: 'Intake of the local agent',
  async run(options): Promise<Report> {
    const result = await agentIntake(options);
    const { spansPerSecond, seconds, stored, missing, behindMs, agentCpuPercent, batchMs, listMs } = result;
    const text =
      `${spansPerSecond} spans a second for ${seconds} s into a store of ${stored}: ${missing} missing,\n` +
      `${Math.round(behindMs)} ms behind at the end, ${agentCpuPercent} % of a core\n\n` +
      table(
        ['ms until the response', ...quartilesHead],
        [
          [`${batchSpans} spans taken`, ...quartilesCells(batchMs)],
          [`${listedTraces} traces listed`, ...quartilesCells(listMs)],
        ],
      );
    return {
      result,
      text,
      measured: [{ budget: 'agent-list', value: listMs.median, bare: null }],
      voids: voidsOf(result),
    };
  },
};
