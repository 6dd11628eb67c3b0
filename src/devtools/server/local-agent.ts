// A host agent in memory, on loopback by default: makes its parts and connects them.
import { bracketed } from '../../core/bracketed.js';
import { AlertEvaluator } from '../alerts/alert-evaluator.js';
import { InstanceStore } from '../store/instances.js';
import { countProcesses } from '../store/process-list.js';
import { ProcessStore } from '../store/processes.js';
import { AgentProtocol } from './agent-protocol.js';
import { type AgentListener, EventPublisher } from './event-publisher.js';
import { EventStream } from './event-stream.js';
import { InstanceMonitor } from './instance-monitor.js';
import { type HttpListener, listen } from './listener.js';
import { OtlpReceiver } from './otlp-receiver.js';
import { ProcessMonitor } from './process-monitor.js';
import { RequestCounter } from './request-counter.js';
import { RequestGuard } from './request-guard.js';
import { type Interceptor, RequestHandler } from './request-handler.js';
import { type AgentStores, createTraceStore } from './stores.js';

/** How the agent listens, and what it keeps. */
export interface LocalAgentOptions {
  /** Address to listen on. Default: `127.0.0.1`, and `::1` as well. */
  readonly host?: string;
  /** Default: 0, which lets the system choose. */
  readonly port?: number;
  readonly maxSpans?: number;
  /** Samples CPU and memory of announced processes, and drops those that have gone. */
  readonly monitorProcesses?: boolean;
  /** Whether the listening socket keeps this process alive. Default: true. */
  readonly holdProcess?: boolean;
  /** Scales the rules' time windows, for tests. Default: 1. */
  readonly eventWindowScale?: number;
  readonly listener?: AgentListener;
  /** Runs between each request and its response, for tests. */
  readonly intercept?: Interceptor;
}

const checkIntervalMs = 5000;
const minCheckIntervalMs = 50;

/** Serves the agent protocol, OTLP and the JSON requests until it is closed. */
export class LocalAgent {
  readonly stores: AgentStores;
  readonly #protocol: AgentProtocol;
  readonly #stream: EventStream = new EventStream();
  readonly #processMonitor: ProcessMonitor;
  readonly #instanceMonitor: InstanceMonitor;
  readonly #handler: RequestHandler;
  readonly #holdsProcess: boolean;
  readonly #host: string;
  #listener: HttpListener | null = null;
  #otlpListener: HttpListener | null = null;

  private constructor(options: LocalAgentOptions) {
    const windowScale = options.eventWindowScale ?? 1;
    // The system may resolve the name to one family only; this address makes the agent listen on both.
    this.#host = options.host === undefined || options.host === 'localhost' ? '127.0.0.1' : options.host;
    this.#holdsProcess = options.holdProcess ?? true;
    const processes = new ProcessStore();
    const traces = createTraceStore(processes, options.maxSpans);
    const alerts = new AlertEvaluator({ windowScale, onChange: (alert) => publisher.alertChanged(alert) });
    this.stores = { traces, processes, instances: new InstanceStore(), alerts };
    const publisher = new EventPublisher(this.stores, this.#stream, options.listener ?? {});
    this.#protocol = new AgentProtocol(this.stores, {
      processAnnounced: (pid) => {
        if (options.monitorProcesses) this.#processMonitor.start();
        publisher.processAnnounced(pid);
      },
      metricsReceived: (pid, point) => publisher.metricsReceived(pid, point),
      tracesReceived: (touched) => publisher.tracesReceived(touched),
    });
    const otlp = new OtlpReceiver(this.stores, {
      instanceAppeared: (instance) => {
        this.#instanceMonitor.start();
        publisher.instanceAppeared(instance);
      },
      instanceVanished: (instance) => publisher.instanceVanished(instance),
      tracesReceived: (touched) => publisher.tracesReceived(touched),
    });
    this.#processMonitor = new ProcessMonitor(processes, (pid) => {
      otlp.dropProcess(pid);
      publisher.processLeft(pid);
    });
    const intervalMs = Math.max(minCheckIntervalMs, Math.min(1, windowScale) * checkIntervalMs);
    this.#instanceMonitor = new InstanceMonitor(this.stores, otlp, intervalMs);
    const counter = new RequestCounter();
    const { stores } = this;
    this.#handler = new RequestHandler({
      guard: new RequestGuard(this.#host),
      counter,
      services: { stores, protocol: this.#protocol, otlp, stream: this.#stream, requestCounts: () => counter.counts() },
      intercept: options.intercept,
      agentPort: () => this.port,
    });
  }

  /** Listens; rejects with the system's error if that fails. */
  static async start(options: LocalAgentOptions = {}): Promise<LocalAgent> {
    const agent = new LocalAgent(options);
    agent.#listener = await listen(agent.#host, options.port ?? 0, agent.#handler.serveAll, agent.#holdsProcess);
    return agent;
  }

  /** Also serves OTLP on a separate port; rejects with the system's error if that fails. */
  async listenForOtlp(port: number): Promise<void> {
    this.#otlpListener = await listen(this.#host, port, this.#handler.serveOtlp, this.#holdsProcess);
  }

  /** Makes processes that announce themselves from now on send traces and metrics over OTLP. */
  offerOtlp(): void {
    this.#protocol.offerOtlp(this.otlpPort || this.port);
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** The port for OTLP only, 0 if there is none. `port` serves OTLP, too. */
  get otlpPort(): number {
    return this.#otlpListener?.port ?? 0;
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://${bracketed(this.#host)}:${this.port}`;
  }

  /** The number of known processes, announced or not. */
  get processCount(): number {
    return countProcesses(this.stores.processes, this.stores.instances);
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    this.#stream.close();
    this.#processMonitor.stop();
    this.#instanceMonitor.stop();
    await Promise.all([this.#listener?.close(), this.#otlpListener?.close()]);
  }
}
