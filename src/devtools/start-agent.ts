// `@instana/ts-sensor/agent`: the local agent as a library.
import { startTerminalAgent } from './terminal/agent-command.js';

/** Options of `startAgent()`. */
export interface AgentOptions {
  /** Address to listen on. Any other than loopback lets other machines read the traces. Default: `127.0.0.1` and `::1`. */
  host?: string;
  /** Default: 42699. 0 lets the system choose. */
  port?: number;
  /** Maximum number of spans to keep; the oldest traces are removed first. Default: 20,000. */
  maxSpans?: number;
  /** Also receives OTLP on this port, usually 4318, if it is free; `port` always receives OTLP. Default: 0, no such port. */
  otlpPort?: number;
  /** Makes sensors that announce themselves send traces and metrics over OTLP instead of their own protocol. */
  otlp?: boolean;
  /** Scales the time windows of the rules for events, so that tests need not wait for minutes. Default: 1. */
  eventWindowScale?: number;
  /** Prints nothing on standard output. */
  quiet?: boolean;
}

/** A running local agent. */
export interface RunningAgent {
  readonly url: string;
  readonly port: number;
  /** The separate port for OTLP; 0 if none was requested or the port is taken. */
  readonly otlpPort: number;
  close(): Promise<void>;
}

/**
 * Starts a local agent in this process. It does not keep the process alive. If the port is taken, the promise is rejected with a
 * message that names what uses the port.
 */
export async function startAgent(options: AgentOptions = {}): Promise<RunningAgent> {
  const { agent, close } = await startTerminalAgent({ ...options, holdProcess: false });
  return { url: agent.url, port: agent.port, otlpPort: agent.otlpPort, close };
}
