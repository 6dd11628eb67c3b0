// A host agent on loopback, in memory: it serves developers as `ts-sensor agent` and tests as their fake agent.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WireSpan } from '../../protocol/wire-span.js';
import { type HealthEvent, HealthWatch } from '../alerts/alert-evaluator.js';
import { type Instance, InstanceStore } from '../store/instances.js';
import { countSeen, type SeenProcess, seenProcess, seenProcesses } from '../store/process-list.js';
import { type AgentRequest, type MetricsPoint, ProcessStore, type ProcessView } from '../store/processes.js';
import { type StoredTrace, TraceStore } from '../store/traces.js';
import { AgentProtocol, type AnnounceSettings, matchProtocol, type ProtocolRoute } from './agent-protocol.js';
import { answerViewer, viewerRequests, viewerRoute } from './api.js';
import { EventStream } from './event-stream.js';
import { type Endpoint, FaultSwitches } from './fault-switches.js';
import { type BodyRules, type JsonBody, maximumBodyBytes, readJsonBody } from './json-body.js';
import { type Door, openDoor } from './listener.js';
import { OtlpIntake, wrongOtlpType } from './otlp-receiver.js';
import { Watcher } from './process-monitor.js';
import { RequestGuard } from './request-guard.js';
import { type RecordedRequest, RequestLog } from './request-log.js';
import { type Answer, failure, guardHeaders, send } from './respond.js';
import { Waiters } from './waiters.js';

/** Whom the agent tells what arrives. */
export interface AgentListener {
  announced?(pid: number): void;
  left?(pid: number): void;
  traced?(traces: ReadonlySet<StoredTrace>): void;
  /** A process that never announced itself reports over OTLP, or has long not done so. */
  appeared?(instance: Instance): void;
  vanished?(instance: Instance): void;
  /** An event has opened or closed. */
  changed?(event: HealthEvent): void;
}

export interface LocalAgentOptions {
  /** Address to listen on, `127.0.0.1` (and `::1`) unless told otherwise. */
  readonly host?: string;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  readonly maxSpans?: number;
  readonly maxBytes?: number;
  /** Keeps every request whole; without bound, so only for tests. */
  readonly record?: boolean;
  /** Watches CPU and memory of announced processes from outside. */
  readonly watch?: boolean;
  /** Whether the listening socket keeps this process alive; true unless told otherwise. */
  readonly holdProcess?: boolean;
  /** Windows of the events are so many times as long as their rules say; for tests. 1 unless told. */
  readonly eventWindowScale?: number;
  readonly listener?: AgentListener;
}

const defaultMaxSpans = 20_000;
const leastMaxBytes = 64 * 1024 * 1024;
/** Several times what a span of an HTTP request takes. */
const bytesPerSpan = 2048;
const defaultWaitMs = 10_000;
const agentVersion = '1.1.999';
const plainBody: BodyRules = { limitBytes: maximumBodyBytes };
const otlpBody: BodyRules = { limitBytes: maximumBodyBytes, takesGzip: true, wrongType: wrongOtlpType };
const otlpPath = /^\/v1\/(metrics|traces)$/;
/** How often events are looked at while no data come, and the instances that are silent are sought. */
const lookEveryMs = 5000;
const shortestLookMs = 50;
const silentMs = 10 * 60_000;

/** Serves the protocol and the JSON requests until it is closed. Made by `LocalAgent.start()`. */
export class LocalAgent {
  /** Ways to misbehave, all off at first. */
  readonly faults: FaultSwitches = new FaultSwitches();
  readonly traces: TraceStore;
  readonly processes: ProcessStore = new ProcessStore();
  readonly instances: InstanceStore = new InstanceStore();
  readonly #health: HealthWatch;
  readonly #otlp: OtlpIntake;
  readonly #lookMs: number;
  readonly #holdsProcess: boolean;
  readonly #protocol: AgentProtocol;
  readonly #guard: RequestGuard;
  readonly #log: RequestLog;
  readonly #stream: EventStream = new EventStream();
  readonly #waiters: Waiters = new Waiters();
  readonly #watcher: Watcher;
  readonly #listener: AgentListener;
  readonly #isWatching: boolean;
  readonly #host: string;
  #door: Door | null = null;
  #otlpDoor: Door | null = null;
  #lookTimer: NodeJS.Timeout | null = null;
  #receivedBefore = 0;

  private constructor(options: LocalAgentOptions) {
    // The name could stand for either family; the address stands for both here.
    this.#host = options.host === undefined || options.host === 'localhost' ? '127.0.0.1' : options.host;
    this.#listener = options.listener ?? {};
    this.#isWatching = options.watch ?? false;
    this.#guard = new RequestGuard(this.#host);
    this.#log = new RequestLog(options.record ?? false);
    const maxSpans = options.maxSpans ?? defaultMaxSpans;
    const maxBytes = options.maxBytes ?? Math.max(leastMaxBytes, maxSpans * bytesPerSpan);
    this.traces = new TraceStore(this.processes, maxSpans, maxBytes);
    this.#watcher = new Watcher(this.processes, (pid) => this.#left(pid));
    this.#protocol = new AgentProtocol(agentVersion, this.processes, this.traces, {
      announced: (pid) => this.#announced(pid),
      measured: (pid, point) => this.#measured(pid, point),
      traced: (traces) => this.#traced(traces),
    });
    const windowScale = options.eventWindowScale ?? 1;
    this.#lookMs = Math.max(shortestLookMs, Math.min(1, windowScale) * lookEveryMs);
    this.#holdsProcess = options.holdProcess ?? true;
    this.#health = new HealthWatch({ windowScale, changed: (event) => this.#changed(event) });
    const { processes, instances, traces } = this;
    this.#otlp = new OtlpIntake(
      { processes, instances, traces, health: this.#health },
      {
        appeared: (instance) => this.#appeared(instance),
        left: (instance) => this.#vanished(instance),
        traced: (touched) => this.#traced(touched),
      },
    );
  }

  /** Listens; rejects with the system's error when that is not possible. */
  static async start(options: LocalAgentOptions = {}): Promise<LocalAgent> {
    const agent = new LocalAgent(options);
    const serve = (request: IncomingMessage, response: ServerResponse) =>
      void agent.#serve(request, response).catch(() => response.destroy());
    agent.#door = await openDoor(agent.#host, options.port ?? 0, serve, agent.#holdsProcess);
    return agent;
  }

  /** Takes OTLP on a port of its own as well; rejects with the system's error when that is not possible. */
  async listenForOtlp(port: number): Promise<void> {
    const serve = (request: IncomingMessage, response: ServerResponse) =>
      void this.#serve(request, response, 'otlp').catch(() => response.destroy());
    this.#otlpDoor = await openDoor(this.#host, port, serve, this.#holdsProcess);
  }

  /** Tells processes that announce themselves from now on to send traces and metrics over OTLP. */
  offerOtlp(): void {
    const { tracing } = this.announceSettings;
    this.announceSettings.tracing = { ...tracing, otlp: { enabled: true, port: this.otlpPort || this.port } };
  }

  get port(): number {
    return this.#door?.port ?? 0;
  }

  /** The port that is for OTLP alone, 0 when there is none. OTLP is taken on the other port, too. */
  get otlpPort(): number {
    return this.#otlpDoor?.port ?? 0;
  }

  /** All processes that are known, announced or not. */
  seenProcesses(): SeenProcess[] {
    return seenProcesses(this.processes, this.instances);
  }

  get seenProcessCount(): number {
    return countSeen(this.processes, this.instances);
  }

  /** The events, newest first. */
  events(): HealthEvent[] {
    return this.#health.events();
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.port}`;
  }

  /** What processes are told when they announce themselves; may be changed at any time. */
  get announceSettings(): AnnounceSettings {
    return this.#protocol.settings;
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    this.faults.close();
    this.#stream.close();
    this.#watcher.stop();
    if (this.#lookTimer !== null) clearInterval(this.#lookTimer);
    await Promise.all([this.#door?.close(), this.#otlpDoor?.close()]);
  }

  /** Behaves as if started again: every process is unknown until it announces itself. */
  forget(): void {
    this.#protocol.forget();
  }

  /** Asks something of a process, in the answer to its next metrics. */
  queueRequest(pid: number, request: AgentRequest): void {
    this.processes.queue(pid, request);
  }

  /** Closes connections that wait for their next request, as an agent may at any time. */
  dropIdleConnections(): void {
    this.#door?.dropIdleConnections();
    this.#otlpDoor?.dropIdleConnections();
  }

  /** Every stored span as received, in the order of arrival. */
  spans(): WireSpan[] {
    return this.traces.spans();
  }

  /** How many spans have arrived since the start or the last `clear()`, also those no longer stored. */
  receivedSpanCount(): number {
    return this.traces.counts.received - this.#receivedBefore;
  }

  /** Recorded requests, those of a method and of a path's beginning when given. Needs `record: true`. */
  requests(method?: string, pathPrefix?: string): RecordedRequest[] {
    return this.#log.requests(method, pathPrefix);
  }

  /** Forgets spans and recorded requests; processes and faults stay. */
  clear(): void {
    this.traces.clear();
    this.#log.clear();
    this.#receivedBefore = this.traces.counts.received;
  }

  /** Resolves with all stored spans once there are so many, or once the predicate holds for them. */
  waitForSpans(
    wanted: number | ((spans: WireSpan[]) => boolean),
    timeoutMs: number = defaultWaitMs,
  ): Promise<WireSpan[]> {
    if (typeof wanted === 'number') {
      const what = () => `${this.receivedSpanCount()} instead of ${wanted} spans arrived`;
      return this.#waiters.until(() => this.receivedSpanCount() >= wanted && this.spans(), timeoutMs, what);
    }
    const read = () => {
      const spans = this.spans();
      return wanted(spans) ? spans : null;
    };
    return this.#waiters.until(read, timeoutMs, () => `the wanted spans did not arrive, only ${this.#spanNames()},`);
  }

  /** Resolves once the predicate gives something other than `false`, `null` or `undefined`, with that. */
  waitFor<Value>(
    predicate: () => Value | null | undefined | false,
    timeoutMs: number = defaultWaitMs,
    what: string = 'the awaited',
  ): Promise<Value> {
    return this.#waiters.until(predicate, timeoutMs, () => `${what} did not come`);
  }

  /** Resolves with the process once it is announced; with any process when no pid is given. */
  waitForProcess(pid?: number, timeoutMs: number = defaultWaitMs): Promise<ProcessView> {
    const read = () => (pid === undefined ? this.processes.views()[0] : this.processes.view(pid));
    return this.waitFor(read, timeoutMs, `an announce of process ${pid ?? '(any)'}`);
  }

  #spanNames(): string {
    return JSON.stringify(
      this.spans()
        .slice(-20)
        .map(({ n }) => n),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse, door: 'main' | 'otlp' = 'main'): Promise<void> {
    response.on('error', () => {}); // The client has gone; there is nobody to tell.
    const target = request.url ?? '';
    const method = request.method ?? '';
    const refusal = this.#guard.refuse(request);
    if (refusal !== null) {
      this.#record(request, null);
      hangUp(request, response, failure(refusal.status, refusal.error));
      return;
    }
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    this.#log.count(method, viewerRoute(path) ?? path);
    if (door === 'otlp' && !otlpPath.test(path)) {
      this.#record(request, null);
      hangUp(request, response, failure(404, `only OTLP is taken on this port; the agent is on port ${this.port}`));
      return;
    }
    const route = matchProtocol(method, path);
    if (route !== null && !(route.endpoint === 'lookup' && wantsPage(request))) {
      await this.#serveSensor(route, request, response);
    } else {
      const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
      this.#serveViewer(method, path, query, request, response);
    }
  }

  async #serveSensor(route: ProtocolRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJsonBody(request, isOtlp(route.endpoint) ? otlpBody : plainBody);
    if (body === null) return;
    this.#record(request, body);
    const active = this.faults.take(route.endpoint);
    let answer: Answer = { status: 200 };
    if (active === null || active.takesEffect) answer = this.#answer(route, body);
    if (active !== null) this.faults.perform(active.fault, request, response, () => send(response, answer));
    else if (body.accepted) send(response, answer);
    else hangUp(request, response, answer);
    this.#waiters.look();
  }

  #answer(route: ProtocolRoute, body: JsonBody): Answer {
    if (isOtlp(route.endpoint)) return this.#otlp.answer(route.endpoint, body);
    if (!body.accepted) return failure(body.status, body.error);
    return this.#protocol.answer(route, body.value, body.bytes);
  }

  #serveViewer(
    method: string,
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    this.#record(request, null);
    if (path === '/' && (method === 'GET' || method === 'HEAD')) {
      send(response, { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, text: frontPage() });
    } else if (path === '/api/stream' && method === 'GET') {
      if (!this.#stream.attach(response)) send(response, failure(503, 'too many open streams'));
    } else if (otlpPath.test(path)) {
      send(response, failure(405, 'OTLP is sent by POST', { Allow: 'POST' }));
    } else {
      const { traces, processes, instances } = this;
      const sources = { traces, processes, instances, health: this.#health, requestCounts: () => this.#log.counts() };
      send(response, answerViewer(sources, method, path, query));
    }
    request.resume();
  }

  #record(request: IncomingMessage, body: JsonBody | null): void {
    const { method = '', url: path = '', headers } = request;
    const value = body?.accepted ? body.value : undefined;
    this.#log.record({
      method,
      path,
      headers,
      body: value,
      bodyBytes: body?.accepted ? body.bytes : 0,
      timeMs: Date.now(),
    });
  }

  #announced(pid: number): void {
    if (this.#isWatching) this.#watcher.start();
    this.#listener.announced?.(pid);
    this.#stream.tell('process', pid, () => this.processes.view(pid));
  }

  #left(pid: number): void {
    this.#otlp.dropProcess(pid);
    this.#listener.left?.(pid);
    this.#stream.tell('process', pid, () => ({ pid, gone: true }));
  }

  #appeared(instance: Instance): void {
    this.#lookTimer ??= setInterval(() => this.#look(), this.#lookMs).unref();
    if (!this.#isAnnounced(instance)) this.#listener.appeared?.(instance);
    this.#stream.tell('process', instance.key, () => seenProcess(this.processes, this.instances, instance));
  }

  #vanished(instance: Instance): void {
    if (!this.#isAnnounced(instance)) this.#listener.vanished?.(instance);
    const { pid, instanceId } = instance;
    this.#stream.tell('process', instance.key, () => ({ pid, instanceId, gone: true }));
  }

  #changed(event: HealthEvent): void {
    this.#listener.changed?.(event);
    this.#stream.tell('event', event.id, () => event);
    this.#waiters.look();
  }

  #look(): void {
    this.#health.lookAtAll(Date.now());
    this.#otlp.dropSilent(silentMs);
    if (this.instances.size > 0 || this.#lookTimer === null) return;
    clearInterval(this.#lookTimer);
    this.#lookTimer = null;
  }

  #isAnnounced({ pid }: Instance): boolean {
    return pid !== null && this.processes.has(pid);
  }

  #measured(pid: number, point: MetricsPoint): void {
    this.#stream.tell('metrics', pid, () => ({ pid, ...point }));
  }

  #traced(traces: ReadonlySet<StoredTrace>): void {
    this.#listener.traced?.(traces);
    for (const trace of traces) this.#stream.tell('trace', trace.traceId, () => this.traces.summary(trace));
  }
}

function isOtlp(endpoint: Endpoint): endpoint is 'otlp-metrics' | 'otlp-traces' {
  return endpoint === 'otlp-metrics' || endpoint === 'otlp-traces';
}

/** Answers while the client may still be sending, and ends the connection once it has had time to read that. */
function hangUp(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (request.complete) {
    send(response, answer);
    return;
  }
  const body = JSON.stringify(answer.json);
  response.writeHead(answer.status, {
    ...guardHeaders,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  response.write(body);
  const timer = setTimeout(() => response.end(), 1000).unref();
  request.once('end', () => {
    clearTimeout(timer);
    response.end();
  });
  request.resume();
}

function wantsPage(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').includes('text/html');
}

function frontPage(): string {
  return `Instana agent for development, by @instana/ts-sensor\n\n${viewerRequests.map((path) => `GET ${path}`).join('\n')}\n`;
}
