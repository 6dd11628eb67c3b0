#!/usr/bin/env node
// `ts-sensor`: reads the command line and runs the local agent or the demo.
import { parseArgs } from 'node:util';
import { runDemo } from './demo/demo.js';
import { defaultAgentPort, defaultOtlpPort, startTerminalAgent } from './terminal/agent-command.js';
import { toPrintable } from './terminal/colors.js';

const usage = `Usage: ts-sensor <command> [options]

Commands
  agent    a local Instana agent: traces in the terminal and as JSON
  demo     the same, plus two sample services and traffic between them

Options of agent
  --port N         port to listen on, 0 for any (default ${defaultAgentPort})
  --host ADDRESS   address to listen on (default 127.0.0.1 and ::1)
  --max-spans N    how many spans are kept, the oldest traces go first (default 20000)
  --otlp-port N    port that takes OTLP as well, 0 for none (default ${defaultOtlpPort})
  --otlp           has sensors send traces and metrics over OTLP

Options of demo
  --port N         port of the agent, 0 for any (default ${defaultAgentPort})
  --once           end after the first complete trace
`;

const exitCodes = { success: 0, failure: 1, usage: 2 } as const;

interface Arguments {
  readonly command: 'agent' | 'demo' | 'help';
  readonly port: number;
  readonly host: string;
  readonly maxSpans: number | undefined;
  readonly otlpPort: number;
  readonly otlp: boolean;
  readonly once: boolean;
}

/** The parsed command line, or a line that describes the error in it. */
function readArguments(words: string[]): Arguments | string {
  const [command, ...rest] = words;
  if (command === undefined) return 'which command?';
  if (command === 'help' || words.includes('--help') || words.includes('-h')) return { ...defaults, command: 'help' };
  if (command !== 'agent' && command !== 'demo') return `unknown command ${quoted(command)}`;
  try {
    return command === 'agent' ? readAgentArguments(rest) : readDemoArguments(rest);
  } catch (error) {
    // Only the first sentence names the wrong option; the rest explains how to pass positional arguments, which do not exist here.
    return error instanceof Error ? toPrintable(error.message.split('. ')[0] ?? '', 200) : String(error);
  }
}

const defaults: Omit<Arguments, 'command'> = {
  port: defaultAgentPort,
  host: '127.0.0.1',
  maxSpans: undefined,
  otlpPort: defaultOtlpPort,
  otlp: false,
  once: false,
};

function readAgentArguments(args: string[]): Arguments | string {
  const options = {
    port: { type: 'string' },
    host: { type: 'string' },
    'max-spans': { type: 'string' },
    'otlp-port': { type: 'string' },
    otlp: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  const port = readInteger(values.port, 0, 65535);
  const otlpPort = readInteger(values['otlp-port'], 0, 65535);
  const maxSpans = readInteger(values['max-spans'], 1, 10_000_000);
  if (port === null) return `--port must be a number from 0 to 65535, not ${quoted(values.port)}`;
  if (otlpPort === null) {
    return `--otlp-port must be a number from 0 to 65535, not ${quoted(values['otlp-port'])}`;
  }
  if (maxSpans === null) return `--max-spans must be a number from 1 to 10000000, not ${quoted(values['max-spans'])}`;
  if (values.host !== undefined && !/^[\w.:-]{1,253}$/.test(values.host)) {
    return `--host must be an address of this machine, not ${quoted(values.host)}`;
  }
  return {
    ...defaults,
    command: 'agent',
    port: port ?? defaults.port,
    host: values.host ?? defaults.host,
    maxSpans,
    otlpPort: otlpPort ?? defaults.otlpPort,
    otlp: values.otlp ?? defaults.otlp,
  };
}

function readDemoArguments(args: string[]): Arguments | string {
  const { values } = parseArgs({ args, options: { port: { type: 'string' }, once: { type: 'boolean' } } as const });
  const port = readInteger(values.port, 0, 65535);
  if (port === null) return `--port must be a number from 0 to 65535, not ${quoted(values.port)}`;
  return { ...defaults, command: 'demo', port: port ?? defaults.port, once: values.once ?? false };
}

/** The number, `undefined` if absent, `null` if invalid. */
function readInteger(value: string | undefined, min: number, max: number): number | null | undefined {
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : null;
}

function quoted(word: string | undefined): string {
  return `"${toPrintable(word ?? '', 60)}"`;
}

async function main(): Promise<number> {
  const request = readArguments(process.argv.slice(2));
  if (typeof request === 'string') {
    process.stderr.write(`ts-sensor: ${request}; ts-sensor --help lists what there is\n`);
    return exitCodes.usage;
  }
  if (request.command === 'help') {
    process.stdout.write(usage);
    return exitCodes.success;
  }
  const stopped = nextStop();
  try {
    if (request.command === 'agent') await runAgent(request, stopped);
    else await runDemo({ port: request.port, once: request.once, stopped });
    return exitCodes.success;
  } catch (error) {
    process.stderr.write(`ts-sensor: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

async function runAgent(options: Arguments, stopped: Promise<void>): Promise<void> {
  const { port, host, maxSpans, otlpPort, otlp } = options;
  const limit = maxSpans === undefined ? {} : { maxSpans };
  const { agent, close } = await startTerminalAgent({ port, host, otlpPort, otlp, ...limit });
  const variable = agent.port === defaultAgentPort ? '' : `INSTANA_AGENT_PORT=${agent.port} `;
  process.stdout.write(`Instana agent on ${agent.url}, JSON under ${agent.url}/api/traces\n`);
  const ports = agent.otlpPort === 0 ? `${agent.port}` : `${agent.port} and ${agent.otlpPort}`;
  process.stdout.write(`OpenTelemetry exporters are served too, OTLP/JSON on port ${ports}\n`);
  process.stdout.write(`Start a server with it:  ${variable}node -r @instana/ts-sensor/bootstrap app.js\n\n`);
  await stopped;
  await close();
}

/** Resolves when a signal or the end of the output stops the command. */
function nextStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    // The reader has gone, as in `ts-sensor agent | head`.
    process.stdout.on('error', () => resolve());
  });
}

void main().then((code) => {
  process.exitCode = code;
});
