// `ts-sensor demo`: the local agent, two sample services that call each other, and requests to them.
import { join } from 'node:path';
import { type ReceivedSpan, spanKind } from '../store/received-span.js';
import type { StoredTrace } from '../store/traces.js';
import { startTerminalAgent, type TerminalAgent } from '../terminal/agent-command.js';
import { DemoService } from './service.js';
import { DemoTraffic } from './traffic.js';

/** How the demo runs and when it ends. */
export interface DemoOptions {
  /** Port of the agent; 0 lets the system choose. */
  readonly port: number;
  /** Ends after the first trace that spans both services. */
  readonly once: boolean;
  /** Ends the demo when it resolves. */
  readonly stopped: Promise<void>;
  /** Module that the services preload. Default: the sensor. */
  readonly preload?: string;
  readonly write?: (text: string) => void;
}

const firstTraceTimeoutMs = 30_000;

/** Runs until it is stopped or, with `once`, until a complete trace is printed. Rejects if none arrives in time. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const write = options.write ?? ((text: string) => void process.stdout.write(text));
  const complete = new CompleteTrace();
  const printed = new Promise<void>((resolve) => complete.whenPrinted(resolve));
  const terminal = await startTerminalAgent({
    port: options.port,
    onTraces: (traces) => complete.check(traces),
    write: (text) => {
      write(text);
      complete.notePrinted(text);
    },
    colorStream: process.stdout,
  });
  const services: DemoService[] = [];
  const traffic = new DemoTraffic();
  try {
    await startServices(options, terminal, services, traffic, write);
    await until(options, printed, Promise.race(services.map((service) => service.ended())));
  } finally {
    traffic.stop();
    await Promise.all(services.map((service) => service.stop()));
    await terminal.close();
  }
}

async function startServices(
  { preload = sensorPreload() }: DemoOptions,
  { agent }: TerminalAgent,
  services: DemoService[],
  traffic: DemoTraffic,
  write: (text: string) => void,
): Promise<void> {
  const start = async (name: string, script: string, env: Readonly<Record<string, string>> = {}) => {
    const service = new DemoService({ name, script: join(__dirname, script), preload, agentPort: agent.port, env });
    services.push(service);
    await service.started();
    if (service.framework === 'http')
      write(`${name}: its framework is not installed here, so it is a plain http server\n`);
    return service;
  };
  const inventory = await start('inventory', 'inventory.js');
  const storefront = await start('storefront', 'storefront.js', { DEMO_INVENTORY_URL: inventory.url });
  write(`Instana agent on ${agent.url}, JSON under ${agent.url}/api/traces\n`);
  write(`storefront on ${storefront.url} calls inventory on ${inventory.url}; the first traces are on their way\n\n`);
  traffic.start(storefront.url);
}

function sensorPreload(): string {
  // The name of the package resolves to this package, both in the repository and where it is installed.
  return require.resolve('@instana/ts-sensor/bootstrap');
}

async function until({ once, stopped }: DemoOptions, printed: Promise<void>, failed: Promise<never>): Promise<void> {
  if (!once) return Promise.race([stopped, failed]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `no trace through both services arrived within ${firstTraceTimeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new Error(message)), firstTraceTimeoutMs);
  });
  const interrupted = stopped.then(() => {
    throw new Error('stopped before the first trace through both services');
  });
  try {
    await Promise.race([printed, interrupted, failed, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Finds the first trace through both services and reports when it has been printed. */
class CompleteTrace {
  #traceId: string | null = null;
  #printed: () => void = () => {};

  whenPrinted(callback: () => void): void {
    this.#printed = callback;
  }

  check(traces: ReadonlySet<StoredTrace>): void {
    for (const trace of traces)
      if (this.#traceId === null && crossesServices(trace.spans)) this.#traceId = trace.traceId;
  }

  notePrinted(text: string): void {
    if (this.#traceId !== null && text.includes(this.#traceId)) this.#printed();
  }
}

/** Whether an entry without a parent leads through an exit to an entry in another process. */
function crossesServices(spans: readonly ReceivedSpan[]): boolean {
  const byId = new Map(spans.map((received) => [received.id, received]));
  return spans.some((entry) => {
    const exit = byId.get(entry.parentId ?? '');
    const first = byId.get(exit?.parentId ?? '');
    if (exit === undefined || first === undefined) return false;
    const kinds = [first, exit, entry].map(({ span }) => spanKind(span)).join();
    return kinds === '1,2,1' && first.parentId === null && first.pid !== entry.pid;
  });
}
