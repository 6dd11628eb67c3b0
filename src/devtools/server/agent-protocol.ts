// The host agent's side of the protocol: what each request of a sensor does, and what it is answered.

import type { MetricsPoint, ProcessStore } from '../store/processes.js';
import { isObject } from '../store/received-span.js';
import type { StoredTrace, TraceStore } from '../store/traces.js';
import type { Endpoint } from './fault-switches.js';
import { type Answer, failure } from './respond.js';

/** Which request of the protocol this is, and of which process. */
export interface ProtocolRoute {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly pid: number;
}

/** What the announce answer says beside the pid; may be changed at any time. */
export interface AnnounceSettings {
  agentUuid: string;
  secrets: { matcher: string; list: string[] };
  /** The section of current agents; left out when null. */
  tracing: Readonly<Record<string, unknown>> | null;
  /** The list of older agents; left out when null. */
  extraHeaders: readonly string[] | null;
  /** Which pid a process is given, as agents do for processes in containers. */
  assignPid(ownPid: number): number;
  /** Changes the answer at last, also into something that is wrong. */
  rewrite(answer: Readonly<Record<string, unknown>>): unknown;
}

/** Whom the protocol tells what has happened. */
export interface ProtocolListener {
  announced(pid: number): void;
  measured(pid: number, point: MetricsPoint): void;
  traced(traces: ReadonlySet<StoredTrace>): void;
}

const plugins = '(?:nodejs|python|golang|ruby)';
const routes: readonly { endpoint: Endpoint; method: string; pattern: RegExp }[] = [
  { endpoint: 'announce', method: 'PUT', pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}\\.discovery$`) },
  { endpoint: 'ready', method: 'HEAD', pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}\\.(\\d{1,10})$`) },
  { endpoint: 'metrics', method: 'POST', pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}\\.(\\d{1,10})$`) },
  {
    endpoint: 'traces',
    method: 'POST',
    pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}/traces\\.(\\d{1,10})$`),
  },
  {
    endpoint: 'profiles',
    method: 'POST',
    pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}/profiles\\.(\\d{1,10})$`),
  },
  {
    endpoint: 'response',
    method: 'POST',
    pattern: RegExp(`^/com\\.instana\\.plugin\\.${plugins}/response\\.(\\d{1,10})$`),
  },
  { endpoint: 'tracermetrics', method: 'POST', pattern: /^\/tracermetrics$/ },
  { endpoint: 'event', method: 'POST', pattern: /^\/com\.instana\.plugin\.generic\.event$/ },
  {
    endpoint: 'monitoring-event',
    method: 'POST',
    pattern: /^\/com\.instana\.plugin\.generic\.agent-monitoring-event$/,
  },
  { endpoint: 'logger', method: 'POST', pattern: /^\/com\.instana\.agent\.logger$/ },
  { endpoint: 'otlp-metrics', method: 'POST', pattern: /^\/v1\/metrics$/ },
  { endpoint: 'otlp-traces', method: 'POST', pattern: /^\/v1\/traces$/ },
];

/** The request of the protocol, `null` when it is none. The look-up is `GET /`. */
export function matchProtocol(method: string, path: string): ProtocolRoute | null {
  if (path === '/' && method === 'GET') return { endpoint: 'lookup', method, pid: 0 };
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match !== null) return { endpoint: route.endpoint, method, pid: Number(match[1] ?? 0) };
  }
  return null;
}

/** Answers the requests of sensors, of any number of processes. */
export class AgentProtocol {
  /** What processes are told when they announce themselves. */
  readonly settings: AnnounceSettings = {
    agentUuid: '02:42:ac:ff:fe:11:00:02',
    secrets: { matcher: 'contains-ignore-case', list: ['key', 'pass', 'secret'] },
    tracing: null,
    extraHeaders: null,
    assignPid: (ownPid) => ownPid,
    rewrite: (answer) => answer,
  };
  readonly #version: string;
  readonly #processes: ProcessStore;
  readonly #traces: TraceStore;
  readonly #listener: ProtocolListener;
  readonly #forgotten: Set<number> = new Set();

  constructor(version: string, processes: ProcessStore, traces: TraceStore, listener: ProtocolListener) {
    this.#version = version;
    this.#processes = processes;
    this.#traces = traces;
    this.#listener = listener;
  }

  /** Behaves as if started again: no process is known any more. */
  forget(): void {
    for (const { pid } of this.#processes.pids()) this.#forgotten.add(pid);
    this.#processes.clear();
  }

  /** Does what the request asks for. */
  answer(route: ProtocolRoute, body: unknown, bodyBytes: number): Answer {
    const isKnown = this.#processes.touch(route.pid);
    switch (route.endpoint) {
      case 'lookup':
        return { status: 200, json: { version: this.#version } };
      case 'announce':
        return this.#announce(body);
      case 'ready':
        return { status: isKnown ? 200 : 404 };
      case 'metrics':
        return this.#takeMetrics(route.pid, body);
      case 'traces':
        return this.#takeSpans(route.pid, body, bodyBytes);
      case 'response':
        return { status: 204 };
      default:
        return { status: 200 };
    }
  }

  #announce(body: unknown): Answer {
    const ownPid = isObject(body) ? body['pid'] : undefined;
    if (!isObject(body) || typeof ownPid !== 'number' || !Number.isSafeInteger(ownPid) || ownPid <= 0) {
      return failure(400, 'an announce needs a pid');
    }
    const { agentUuid, secrets, tracing, extraHeaders, assignPid, rewrite } = this.settings;
    const pid = assignPid(ownPid);
    this.#processes.announce(pid, ownPid, body);
    this.#forgotten.delete(pid);
    this.#listener.announced(pid);
    const answer = { agentUuid, pid, secrets, ...(tracing && { tracing }), ...(extraHeaders && { extraHeaders }) };
    return { status: 200, json: rewrite(answer) };
  }

  #takeMetrics(pid: number, body: unknown): Answer {
    if (!this.#processes.has(pid)) return failure(404, 'this process is not announced');
    if (!isObject(body)) return failure(400, 'metrics must be an object');
    const point = this.#processes.merge(pid, body);
    if (point !== null) this.#listener.measured(pid, point);
    return { status: 200, json: this.#processes.takeQueued(pid) };
  }

  #takeSpans(pid: number, body: unknown, bodyBytes: number): Answer {
    // After a restart an agent answers 404 to processes it does not know. Spans of a process that was never here
    // are taken all the same: that process has just missed the restart, and nothing of it should be lost.
    if (this.#forgotten.has(pid)) return failure(404, 'this process is not announced');
    if (!Array.isArray(body)) return failure(400, 'traces must be an array of spans');
    const touched = this.#traces.add(body, pid, bodyBytes);
    this.#learnServices(body, pid);
    if (touched.size > 0) this.#listener.traced(touched);
    return { status: 200 };
  }

  #learnServices(body: readonly unknown[], pid: number): void {
    // All spans of a process carry the same name, so the last one will do.
    const last = body.at(-1);
    if (!isObject(last) || !isObject(last['data'])) return;
    const name = last['data']['service'];
    if (typeof name === 'string') this.#processes.configureService(pid, name);
  }
}
