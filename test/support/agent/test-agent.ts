// The agent of tests: the real local agent, with fault injection, waiting, recording and control of its responses.
import type { Alert } from '../../../src/devtools/alerts/alert-evaluator.js';
import type { JsonBody } from '../../../src/devtools/server/json-body.js';
import { LocalAgent, type LocalAgentOptions } from '../../../src/devtools/server/local-agent.js';
import type { Exchange, Interceptor } from '../../../src/devtools/server/request-handler.js';
import { failure, type OutgoingResponse, send } from '../../../src/devtools/server/respond.js';
import type { InstanceStore } from '../../../src/devtools/store/instances.js';
import { type KnownProcess, listProcesses } from '../../../src/devtools/store/process-list.js';
import type { ProcessStore, ProcessView } from '../../../src/devtools/store/processes.js';
import type { TraceStore } from '../../../src/devtools/store/traces.js';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { FaultInjector } from './fault-injection.js';
import { type RecordedRequest, RequestRecorder } from './request-recorder.js';
import { waitUntil } from './wait-until.js';

/** Options of the local agent, and whether requests are recorded, which takes memory without a bound. */
export interface TestAgentOptions extends Omit<LocalAgentOptions, 'intercept'> {
  readonly record?: boolean;
}

/** What the response to an announce contains in place of the usual values. May be changed at any time. */
export interface AnnounceSettings {
  agentUuid: string | null;
  secrets: { matcher: string; list: string[] } | null;
  /** The section of current agents. */
  tracing: Readonly<Record<string, unknown>> | null;
  /** The list of older agents. */
  extraHeaders: readonly string[] | null;
  /** The pid that the agent knows the process by, as for processes in containers. */
  assignPid(ownPid: number): number;
  /** Changes the final response, also to an invalid one. */
  rewrite(response: unknown): unknown;
}

/** A request of an agent to a process, sent in the response to its next metrics. */
export interface QueuedRequest {
  readonly action: string;
  readonly messageId: string;
  readonly args: Readonly<Record<string, unknown>>;
}

type Proceed = Parameters<Interceptor>[1];

/** Made by `TestAgent.start()`. */
export class TestAgent {
  readonly faults: FaultInjector = new FaultInjector();
  readonly announceSettings: AnnounceSettings = {
    agentUuid: null,
    secrets: null,
    tracing: null,
    extraHeaders: null,
    assignPid: (ownPid) => ownPid,
    rewrite: (response) => response,
  };
  /** Pids whose readiness check succeeded. */
  readonly ready: Set<number> = new Set();
  readonly #recorder: RequestRecorder | null;
  readonly #queued: Map<number, QueuedRequest[]> = new Map();
  readonly #forgotten: Set<number> = new Set();
  #started: LocalAgent | null = null;
  #receivedBefore = 0;

  private constructor(recorder: RequestRecorder | null) {
    this.#recorder = recorder;
  }

  /** Listens; rejects with the system's error if that fails. */
  static async start({ record = false, ...options }: TestAgentOptions = {}): Promise<TestAgent> {
    const agent = new TestAgent(record ? new RequestRecorder() : null);
    const intercept: Interceptor = (exchange, proceed) => agent.#intercept(exchange, proceed);
    agent.#started = await LocalAgent.start({ ...options, intercept });
    return agent;
  }

  get #local(): LocalAgent {
    if (this.#started === null) throw new Error('the agent does not listen yet');
    return this.#started;
  }

  get port(): number {
    return this.#local.port;
  }

  get otlpPort(): number {
    return this.#local.otlpPort;
  }

  get url(): string {
    return this.#local.url;
  }

  get traces(): TraceStore {
    return this.#local.stores.traces;
  }

  get processes(): ProcessStore {
    return this.#local.stores.processes;
  }

  get instances(): InstanceStore {
    return this.#local.stores.instances;
  }

  /** The alerts, newest first. */
  alerts(): Alert[] {
    return this.#local.stores.alerts.alerts();
  }

  /** All known processes, announced or not. */
  knownProcesses(): KnownProcess[] {
    return listProcesses(this.processes, this.instances);
  }

  listenForOtlp(port: number): Promise<void> {
    return this.#local.listenForOtlp(port);
  }

  offerOtlp(): void {
    this.#local.offerOtlp();
  }

  async close(): Promise<void> {
    this.faults.close();
    await this.#local.close();
  }

  /** Behaves like an agent after a restart: every process is unknown until it announces itself. */
  forget(): void {
    for (const { pid } of this.processes.pids()) {
      this.#forgotten.add(pid);
      this.processes.drop(pid);
    }
  }

  /** Sends a request to an announced process with the response to its next metrics. */
  queueRequest(pid: number, request: QueuedRequest): void {
    this.#queued.set(pid, [...(this.#queued.get(pid) ?? []), request]);
  }

  /** Every stored span as received, in the order of arrival. */
  spans(): WireSpan[] {
    return this.traces.spans();
  }

  /** The number of spans received since the start or the last `clear()`, including those that are no longer stored. */
  receivedSpanCount(): number {
    return this.traces.counts.received - this.#receivedBefore;
  }

  /** Recorded requests, optionally those with this method and beginning of the path. Needs `record: true`. */
  requests(method?: string, pathPrefix?: string): RecordedRequest[] {
    if (this.#recorder === null) throw new Error('this agent records no requests');
    return this.#recorder.requests(method, pathPrefix);
  }

  /** Removes spans and recorded requests; processes and faults stay. */
  clear(): void {
    this.traces.clear();
    this.#recorder?.clear();
    this.#receivedBefore = this.traces.counts.received;
  }

  /** Resolves with all stored spans once this number has been received, or once the predicate holds for them. */
  waitForSpans(expected: number | ((spans: WireSpan[]) => boolean), timeoutMs?: number): Promise<WireSpan[]> {
    if (typeof expected === 'number') {
      const missing = () => `${this.receivedSpanCount()} instead of ${expected} spans arrived`;
      return waitUntil(() => this.receivedSpanCount() >= expected && this.spans(), missing, timeoutMs);
    }
    const read = () => {
      const spans = this.spans();
      return expected(spans) && spans;
    };
    return waitUntil(read, () => `the expected spans did not arrive, only ${this.#latestNames()},`, timeoutMs);
  }

  /** Resolves with the process once it is announced; without a pid, with any process. */
  waitForProcess(pid?: number, timeoutMs?: number): Promise<ProcessView> {
    const read = () => (pid === undefined ? this.processes.views()[0] : this.processes.view(pid));
    return waitUntil(read, `an announce of process ${pid ?? '(any)'}`, timeoutMs);
  }

  #latestNames(): string {
    const latest = this.spans().slice(-20);
    return JSON.stringify(latest.map(({ n }) => n));
  }

  #intercept(exchange: Exchange, proceed: Proceed): OutgoingResponse | null {
    this.#recorder?.record(exchange);
    const { endpoint, request, response } = exchange;
    const active = endpoint === null ? null : this.faults.take(endpoint);
    if (active === null) return this.#respond(exchange, proceed);
    const usual = active.takesEffect ? this.#respond(exchange, proceed) : { status: 200 };
    this.faults.perform(active.fault, request, response, () => usual !== null && send(response, usual));
    return null;
  }

  /** The response without a fault. */
  #respond({ endpoint, request, body }: Exchange, proceed: Proceed): OutgoingResponse | null {
    if (!body.accepted) return proceed();
    const pid = Number(/\.(\d+)(\?|$)/.exec(request.url ?? '')?.[1]);
    if (endpoint === 'announce') return this.#announce(body, proceed);
    if (endpoint === 'traces' && this.#forgotten.has(pid)) return failure(404, 'this process is not announced');
    const usual = proceed();
    if (endpoint === 'ready' && usual?.status === 200) this.ready.add(pid);
    if (endpoint !== 'metrics' || usual?.status !== 200) return usual;
    const queued = this.#queued.get(pid) ?? [];
    this.#queued.delete(pid);
    return { ...usual, json: queued };
  }

  #announce(body: JsonBody & { accepted: true }, proceed: Proceed): OutgoingResponse | null {
    const { agentUuid, secrets, tracing, extraHeaders, assignPid, rewrite } = this.announceSettings;
    const value = body.value as { pid?: unknown } | null | undefined; // any JSON; only an object has a number as `pid`
    const pid = typeof value?.pid === 'number' ? assignPid(value.pid) : null;
    const usual = proceed(pid === null ? body : { ...body, value: { ...value, pid } });
    if (usual?.status !== 200 || pid === null) return usual;
    this.#forgotten.delete(pid);
    const json = usual.json as Readonly<Record<string, unknown>> & { tracing?: object }; // as the agent protocol makes it
    const section = tracing === null ? json.tracing : { ...tracing, ...json.tracing };
    const changed = {
      ...json,
      ...(agentUuid !== null && { agentUuid }),
      ...(secrets !== null && { secrets }),
      ...(section !== undefined && { tracing: section }),
      ...(extraHeaders !== null && { extraHeaders }),
    };
    return { ...usual, json: rewrite(changed) };
  }
}
