// The local agent with its output in the terminal: prints traces, processes and alerts, and explains why a port is taken.
import { findMetric, type MetricUnit } from '../../protocol/metric-registry.js';
import type { Alert } from '../alerts/alert-evaluator.js';
import { LocalAgent } from '../server/local-agent.js';
import { isLoopback } from '../server/request-guard.js';
import type { Instance } from '../store/instances.js';
import type { StoredTrace } from '../store/traces.js';
import { type Colors, createColors, toPrintable, wantsColors } from './colors.js';
import { describePortOwner } from './port-owner.js';
import { TracePrinter } from './trace-printer.js';

/** The port that Instana agents listen on. */
export const defaultAgentPort: number = 42699;

/** The default port of OTLP over HTTP. */
export const defaultOtlpPort: number = 4318;

/** How the agent listens, and where it prints. */
export interface TerminalAgentOptions {
  readonly host?: string;
  readonly port?: number;
  readonly maxSpans?: number;
  /** Also receives OTLP on this port if it is free. Default: 0, no such port. */
  readonly otlpPort?: number;
  /** Makes processes that announce themselves send traces and metrics over OTLP. */
  readonly otlp?: boolean;
  /** See `LocalAgentOptions`. */
  readonly eventWindowScale?: number;
  /** Prints nothing. */
  readonly quiet?: boolean;
  /** Whether the listening socket keeps this process alive. */
  readonly holdProcess?: boolean;
  /** Called with received traces after the printer. */
  readonly onTraces?: (traces: ReadonlySet<StoredTrace>) => void;
  /** Where to print. Default: standard output. */
  readonly write?: (text: string) => void;
  /** Uses colours if this stream supports them. Default: standard output, or no colours with `write`. */
  readonly colorStream?: NodeJS.WriteStream;
}

/** A local agent with its printer. */
export interface TerminalAgent {
  readonly agent: LocalAgent;
  close(): Promise<void>;
}

/** Starts the agent, by default on its usual port. If it cannot listen, the message of the error explains why. */
export async function startTerminalAgent(options: TerminalAgentOptions = {}): Promise<TerminalAgent> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? defaultAgentPort;
  const write = options.quiet ? () => {} : (options.write ?? writeToStdout);
  const stream = options.colorStream ?? (options.write === undefined ? process.stdout : undefined);
  const colors = createColors(stream !== undefined && wantsColors(stream));
  const printer = new TracePrinter({
    write,
    colors,
    traces: { serviceOf: (received) => agent.stores.traces.serviceOf(received) },
    processCount: () => agent.processCount,
  });
  const processLine = (pid: number, what: string) => {
    const { processes } = agent.stores;
    const name = processes.view(pid)?.name ?? processes.serviceName(pid);
    write(colors.dim(`process ${pid} (${toPrintable(name, 60)}) ${what}\n`));
  };
  const instanceLine = (instance: Instance, what: string) =>
    write(colors.dim(`process ${describeInstance(instance)} ${what}\n`));
  const agent = await listen(host, port, {
    ...(options.maxSpans === undefined ? {} : { maxSpans: options.maxSpans }),
    ...(options.eventWindowScale === undefined ? {} : { eventWindowScale: options.eventWindowScale }),
    monitorProcesses: true,
    holdProcess: options.holdProcess ?? true,
    listener: {
      processAnnounced: (pid) => processLine(pid, 'announced'),
      processLeft: (pid) => processLine(pid, 'is gone'),
      instanceAppeared: (instance) => instanceLine(instance, 'reports over OTLP'),
      instanceVanished: (instance) => instanceLine(instance, 'no longer reports over OTLP'),
      alertChanged: (alert) => write(`${alertLine(alert, colors)}\n`),
      tracesReceived: (traces) => {
        if (!options.quiet) printer.add(traces);
        options.onTraces?.(traces);
      },
    },
  });
  if (!isLoopback(host)) {
    write(
      `${colors.yellow('warning:')} listening on ${toPrintable(host, 60)}: whoever reaches this machine can read and send traces\n`,
    );
  }
  if (options.otlpPort) await listenForOtlp(agent, host, options.otlpPort, write, colors);
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

/** A taken port is not an error, since other OTLP receivers use the same one and everything else works without it. */
async function listenForOtlp(
  agent: LocalAgent,
  host: string,
  port: number,
  write: (text: string) => void,
  colors: Colors,
): Promise<void> {
  try {
    await agent.listenForOtlp(port);
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    const why = isTaken ? `is taken by ${await describePortOwner(host, port)}` : 'cannot be listened on';
    write(colors.dim(`port ${port} ${why}: OTLP is taken on port ${agent.port} only; --otlp-port chooses another\n`));
  }
}

function describeInstance({ pid, instanceId, service }: Pick<Instance, 'pid' | 'instanceId' | 'service'>): string {
  const name = toPrintable(service ?? instanceId ?? 'unknown', 60);
  return pid === null ? name : `${pid} (${name})`;
}

/** `critical event opened: High CPU Utilization in Node.js Application: process 4711 (shop): ...cpu.utilization 97 % > 80 %`. */
function alertLine(alert: Alert, colors: Colors): string {
  const head = `${alert.name}: process ${describeInstance(alert)}`;
  if (alert.state === 'closed') {
    const seconds = ((alert.closedMs ?? 0) - alert.openedMs) / 1000;
    return `${colors.green('event closed')}: ${head}: after ${shortNumber(seconds)} s`;
  }
  const colour = alert.severity === 'critical' ? colors.red : colors.yellow;
  const comparisons = Object.entries(alert.values).map(([metric, value]) => {
    return `${metric} ${measure(metric, value)} > ${measure(metric, alert.thresholds[metric] ?? 0)}`;
  });
  return `${colour(`${alert.severity} event opened`)}: ${head}: ${comparisons.join(', ')}`;
}

/** Units for the terminal, by the unit of a metric. */
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
    return `port ${port} is taken by ${await describePortOwner(host, port)}; --port chooses another`;
  }
  if (code === 'EACCES') return `port ${port} may not be used by this user; --port chooses another`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${toPrintable(host, 60)} is no address of this machine`;
  return `cannot listen on ${toPrintable(host, 60)} port ${port}: ${error instanceof Error ? error.message : String(error)}`;
}

function writeToStdout(text: string): void {
  process.stdout.write(text);
}
