// The host agent's side of the protocol: the effect of each request of a sensor, and its response.
import { isObject } from '../otlp/values.js';
import type { MetricsPoint } from '../store/processes.js';
import type { StoredTrace } from '../store/traces.js';
import { failure, type OutgoingResponse } from './respond.js';
import type { AgentStores } from './stores.js';

/** Callbacks for what sensors report. */
export interface ProtocolListener {
  processAnnounced(pid: number): void;
  metricsReceived(pid: number, point: MetricsPoint): void;
  tracesReceived(traces: ReadonlySet<StoredTrace>): void;
}

const agentVersion = '1.1.999';
const agentUuid = '02:42:ac:ff:fe:11:00:02';
const secrets = { matcher: 'contains-ignore-case', list: ['key', 'pass', 'secret'] };

/** Serves any number of processes. */
export class AgentProtocol {
  readonly #stores: Pick<AgentStores, 'processes' | 'traces'>;
  readonly #listener: ProtocolListener;
  #otlpPort: number | null = null;

  constructor(stores: Pick<AgentStores, 'processes' | 'traces'>, listener: ProtocolListener) {
    this.#stores = stores;
    this.#listener = listener;
  }

  /** Makes processes that announce themselves from now on send traces and metrics over OTLP to this port. */
  offerOtlp(port: number): void {
    this.#otlpPort = port;
  }

  /** Identifies this server as an agent. */
  lookUp(): OutgoingResponse {
    return { status: 200, json: { version: agentVersion } };
  }

  /** Adds the process that announces itself. */
  announce(body: unknown): OutgoingResponse {
    const pid = isObject(body) ? body['pid'] : undefined;
    if (!isObject(body) || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) {
      return failure(400, 'an announce needs a pid');
    }
    this.#stores.processes.announce(pid, body);
    this.#listener.processAnnounced(pid);
    const port = this.#otlpPort;
    const offer = port === null ? {} : { tracing: { otlp: { enabled: true, port } } };
    return { status: 200, json: { agentUuid, pid, secrets, ...offer } };
  }

  /** Whether the agent is ready for data of the process. */
  checkReady(pid: number): OutgoingResponse {
    return { status: this.#stores.processes.has(pid) ? 200 : 404 };
  }

  /** Merges the metrics of an announced process. The response is the list of requests to it, of which this agent has none. */
  receiveMetrics(pid: number, body: unknown): OutgoingResponse {
    const { processes } = this.#stores;
    if (!processes.has(pid)) return failure(404, 'this process is not announced');
    if (!isObject(body)) return failure(400, 'metrics must be an object');
    const point = processes.merge(pid, body);
    if (point !== null) this.#listener.metricsReceived(pid, point);
    return { status: 200, json: [] };
  }

  /** Stores spans, also those of a process that was never announced: it may have missed a restart of the agent. */
  receiveSpans(pid: number, body: unknown, bodyBytes: number): OutgoingResponse {
    if (!Array.isArray(body)) return failure(400, 'traces must be an array of spans');
    const touched = this.#stores.traces.add(body, pid, bodyBytes);
    this.#configureService(body, pid);
    if (touched.size > 0) this.#listener.tracesReceived(touched);
    return { status: 200 };
  }

  #configureService(spans: readonly unknown[], pid: number): void {
    // All spans of a process have the same service name, so the last span is enough.
    const last = spans.at(-1);
    if (!isObject(last) || !isObject(last['data'])) return;
    const name = last['data']['service'];
    if (typeof name === 'string') this.#stores.processes.configureService(pid, name);
  }
}
