// `@instana/ts-sensor/agent`: the local agent as a library.
import { startTerminalAgent } from './terminal/agent-command.js';

export interface AgentOptions {
  /** Address to listen on. Anything but loopback lets others read the traces. Default: `127.0.0.1` and `::1`. */
  host?: string;
  /** Default: 42699. With 0 the system chooses. */
  port?: number;
  /** How many spans are kept; the oldest traces go first. Default: 20,000. */
  maxSpans?: number;
  /** Takes OTLP on this port as well when it is free, usually 4318; `port` takes it in any case. Default: 0, which is no such port. */
  otlpPort?: number;
  /** Has sensors that announce themselves send their traces and metrics over OTLP in place of their own protocol. */
  otlp?: boolean;
  /** Windows of the events are so many times as long as their rules say, so that tests need not wait for minutes. Default: 1. */
  eventWindowScale?: number;
  /** Prints nothing to the standard output. */
  quiet?: boolean;
}

export interface RunningAgent {
  readonly url: string;
  readonly port: number;
  /** 0 when there is no port for OTLP alone: not asked for, or taken. */
  readonly otlpPort: number;
  close(): Promise<void>;
}

/**
 * Starts a local agent in this process. It does not keep the process alive. Rejects when the port is taken, with a
 * message that says by what.
 */
export async function startAgent(options: AgentOptions = {}): Promise<RunningAgent> {
  const { agent, close } = await startTerminalAgent({ ...options, holdProcess: false });
  return { url: agent.url, port: agent.port, otlpPort: agent.otlpPort, close };
}
