// The local agent as people use it: it prints traces in the terminal, watches processes, and explains a taken port.
import { findMetric, type MetricUnit } from '../../protocol/metric-registry.js';
import type { HealthEvent } from '../alerts/alert-evaluator.js';
import { LocalAgent } from '../server/local-agent.js';
import { isLoopback } from '../server/request-guard.js';
import type { Instance } from '../store/instances.js';
import type { StoredTrace } from '../store/traces.js';
import { createPaint, type Paint, visible, wantsColour } from './colors.js';
import { describePortHolder } from './port-owner.js';
import { TracePrinter } from './trace-printer.js';

/** The port that Instana agents listen on. */
export const defaultAgentPort: number = 42699;

/** The port on which OTLP over HTTP is taken everywhere. */
export const defaultOtlpPort: number = 4318;

export interface TerminalAgentOptions {
  readonly host?: string;
  readonly port?: number;
  readonly maxSpans?: number;
  /** Takes OTLP on this port as well, if it is free; 0, the default, does not. */
  readonly otlpPort?: number;
  /** Has processes that announce themselves send traces and metrics over OTLP. */
  readonly otlp?: boolean;
  /** See `LocalAgentOptions`. */
  readonly eventWindowScale?: number;
  /** Prints nothing. */
  readonly quiet?: boolean;
  /** Whether the listening socket keeps this process alive. */
  readonly holdProcess?: boolean;
  /** Told of traces after the printer has seen them. */
  readonly onTraces?: (traces: ReadonlySet<StoredTrace>) => void;
  /** Where to print, the standard output unless told otherwise. */
  readonly write?: (text: string) => void;
  /** Colours as this stream takes them, the standard output unless `write` is given. */
  readonly colourLike?: NodeJS.WriteStream;
}

/** A local agent and what prints for it. */
export interface TerminalAgent {
  readonly agent: LocalAgent;
  close(): Promise<void>;
}

/** Starts the agent on its usual port; rejects with an error whose message says what is wrong with the address. */
export async function startTerminalAgent(options: TerminalAgentOptions = {}): Promise<TerminalAgent> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? defaultAgentPort;
  const write = options.quiet ? () => {} : (options.write ?? writeToStdout);
  const stream = options.colourLike ?? (options.write === undefined ? process.stdout : undefined);
  const paint = createPaint(stream !== undefined && wantsColour(stream));
  const printer = new TracePrinter({
    write,
    paint,
    traces: { serviceOf: (received) => agent.traces.serviceOf(received) },
    processCount: () => agent.seenProcessCount,
  });
  const processLine = (pid: number, what: string) =>
    write(
      paint.dim(
        `process ${pid} (${visible(agent.processes.view(pid)?.name ?? agent.processes.serviceName(pid), 60)}) ${what}\n`,
      ),
    );
  const instanceLine = (instance: Instance, what: string) =>
    write(paint.dim(`process ${namedInstance(instance)} ${what}\n`));
  const agent = await listen(host, port, {
    ...(options.maxSpans === undefined ? {} : { maxSpans: options.maxSpans }),
    ...(options.eventWindowScale === undefined ? {} : { eventWindowScale: options.eventWindowScale }),
    watch: true,
    holdProcess: options.holdProcess ?? true,
    listener: {
      announced: (pid) => processLine(pid, 'announced'),
      left: (pid) => processLine(pid, 'is gone'),
      appeared: (instance) => instanceLine(instance, 'reports over OTLP'),
      vanished: (instance) => instanceLine(instance, 'no longer reports over OTLP'),
      changed: (event) => write(`${eventLine(event, paint)}\n`),
      traced: (traces) => {
        if (!options.quiet) printer.note(traces);
        options.onTraces?.(traces);
      },
    },
  });
  if (!isLoopback(host)) {
    write(
      `${paint.yellow('warning:')} listening on ${visible(host, 60)}: whoever reaches this machine can read and send traces\n`,
    );
  }
  if (options.otlpPort) await listenForOtlp(agent, host, options.otlpPort, write, paint);
  if (options.otlp) agent.offerOtlp();
  return {
    agent,
    close: () => {
      printer.close();
      return agent.close();
    },
  };
}

async function listen(
  host: string,
  port: number,
  options: Parameters<typeof LocalAgent.start>[0],
): Promise<LocalAgent> {
  try {
    return await LocalAgent.start({ ...options, host, port });
  } catch (error) {
    throw new Error(await explain(host, port, error), { cause: error });
  }
}

/** Other receivers of OTLP use that port too, and all the rest works without it. */
async function listenForOtlp(
  agent: LocalAgent,
  host: string,
  port: number,
  write: (text: string) => void,
  paint: Paint,
): Promise<void> {
  try {
    await agent.listenForOtlp(port);
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    const why = isTaken ? `is taken by ${await describePortHolder(host, port)}` : 'cannot be listened on';
    write(paint.dim(`port ${port} ${why}: OTLP is taken on port ${agent.port} only; --otlp-port chooses another\n`));
  }
}

function namedInstance({ pid, instanceId, service }: Pick<Instance, 'pid' | 'instanceId' | 'service'>): string {
  const name = visible(service ?? instanceId ?? 'unknown', 60);
  return pid === null ? name : `${pid} (${name})`;
}

/** `critical event opened: High CPU Utilization in Node.js Application: process 4711 (shop): ...cpu.utilization 97 % > 80 %`. */
function eventLine(event: HealthEvent, paint: Paint): string {
  const head = `${event.name}: process ${namedInstance(event)}`;
  if (event.state === 'closed') {
    const seconds = ((event.closedMs ?? 0) - event.openedMs) / 1000;
    return `${paint.green('event closed')}: ${head}: after ${shortNumber(seconds)} s`;
  }
  const colour = event.severity === 'critical' ? paint.red : paint.yellow;
  const facts = Object.entries(event.values).map(([metric, value]) => {
    return `${metric} ${measure(metric, value)} > ${measure(metric, event.thresholds[metric] ?? 0)}`;
  });
  return `${colour(`${event.severity} event opened`)}: ${head}: ${facts.join(', ')}`;
}

/** Units that people read, by those of metrics. */
const readable: Partial<Record<MetricUnit, { readonly factor: number; readonly unit: string }>> = {
  '1': { factor: 100, unit: ' %' },
  s: { factor: 1000, unit: ' ms' },
  'By/s': { factor: 2 ** -20, unit: ' MiB/s' },
  '{switch}/s': { factor: 1, unit: '/s' },
  '{collection}/s': { factor: 1, unit: '/s' },
};

function measure(metric: string, value: number): string {
  const { factor, unit } = readable[findMetric(metric)?.unit ?? '{thread}'] ?? { factor: 1, unit: '' };
  return `${shortNumber(value * factor)}${unit}`;
}

function shortNumber(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

async function explain(host: string, port: number, error: unknown): Promise<string> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return `port ${port} is taken by ${await describePortHolder(host, port)}; --port chooses another`;
  }
  if (code === 'EACCES') return `port ${port} may not be used by this user; --port chooses another`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${visible(host, 60)} is no address of this machine`;
  return `cannot listen on ${visible(host, 60)} port ${port}: ${error instanceof Error ? error.message : String(error)}`;
}

function writeToStdout(text: string): void {
  process.stdout.write(text);
}
