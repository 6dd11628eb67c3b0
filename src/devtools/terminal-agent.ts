// The local agent as people use it: it prints traces in the terminal, watches processes, and explains a taken port.
import { LocalAgent } from './local-agent.js';
import { createPaint, visible, wantsColour } from './paint.js';
import { describePortHolder } from './port-holder.js';
import { isLoopback } from './request-guard.js';
import { TracePrinter } from './trace-printer.js';
import type { StoredTrace } from './trace-store.js';

/** The port that Instana agents listen on. */
export const defaultAgentPort: number = 42699;

export interface TerminalAgentOptions {
  readonly host?: string;
  readonly port?: number;
  readonly maxSpans?: number;
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
    processCount: () => agent.processes.size,
  });
  const processLine = (pid: number, what: string) =>
    write(
      paint.dim(
        `process ${pid} (${visible(agent.processes.view(pid)?.name ?? agent.processes.serviceName(pid), 60)}) ${what}\n`,
      ),
    );
  const agent = await listen(host, port, {
    ...(options.maxSpans === undefined ? {} : { maxSpans: options.maxSpans }),
    watch: true,
    holdProcess: options.holdProcess ?? true,
    listener: {
      announced: (pid) => processLine(pid, 'announced'),
      left: (pid) => processLine(pid, 'is gone'),
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
