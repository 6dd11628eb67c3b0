// A host agent on loopback, in memory: it serves developers as `ts-sensor agent` and tests as their fake agent.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireSpan } from '../wire/span.js';
import { type Answer, failure, guardHeaders, send } from './answer.js';
import { EventStream } from './event-stream.js';
import { FaultSwitches } from './fault-switches.js';
import { type JsonBody, maximumBodyBytes, readJsonBody } from './json-body.js';
import { type AgentRequest, type MetricsPoint, ProcessStore } from './process-store.js';
import { AgentProtocol, type AnnounceSettings, matchProtocol, type ProtocolRoute } from './protocol.js';
import { isLoopback, RequestGuard } from './request-guard.js';
import { type RecordedRequest, RequestLog } from './request-log.js';
import { type StoredTrace, TraceStore } from './trace-store.js';
import { answerViewer, viewerRequests, viewerRoute } from './viewer-api.js';
import { Waiters } from './waiters.js';
import { Watcher } from './watcher.js';

/** Whom the agent tells what arrives. */
export interface AgentListener {
  announced?(pid: number): void;
  left?(pid: number): void;
  traced?(traces: ReadonlySet<StoredTrace>): void;
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
  readonly listener?: AgentListener;
}

const defaultMaxSpans = 20_000;
const defaultMaxBytes = 64 * 1024 * 1024;
const defaultWaitMs = 10_000;
const agentVersion = '1.1.999';

/** Serves the protocol and the JSON requests until it is closed. Made by `LocalAgent.start()`. */
export class LocalAgent {
  /** Ways to misbehave, all off at first. */
  readonly faults: FaultSwitches = new FaultSwitches();
  readonly traces: TraceStore;
  readonly processes: ProcessStore = new ProcessStore();
  readonly #protocol: AgentProtocol;
  readonly #guard: RequestGuard;
  readonly #log: RequestLog;
  readonly #stream: EventStream = new EventStream();
  readonly #waiters: Waiters = new Waiters();
  readonly #watcher: Watcher;
  readonly #listener: AgentListener;
  readonly #isWatching: boolean;
  readonly #holdsProcess: boolean;
  readonly #host: string;
  #servers: Server[] = [];
  #port = 0;
  #receivedBefore = 0;

  private constructor(options: LocalAgentOptions) {
    this.#host = options.host ?? '127.0.0.1';
    this.#listener = options.listener ?? {};
    this.#isWatching = options.watch ?? false;
    this.#holdsProcess = options.holdProcess ?? true;
    this.#guard = new RequestGuard(this.#host);
    this.#log = new RequestLog(options.record ?? false);
    this.traces = new TraceStore(
      this.processes,
      options.maxSpans ?? defaultMaxSpans,
      options.maxBytes ?? defaultMaxBytes,
    );
    this.#watcher = new Watcher(this.processes, (pid) => this.#left(pid));
    this.#protocol = new AgentProtocol(agentVersion, this.processes, this.traces, {
      announced: (pid) => this.#announced(pid),
      measured: (pid, point) => this.#measured(pid, point),
      traced: (traces) => this.#traced(traces),
    });
  }

  /** Listens; rejects with the system's error when that is not possible. */
  static async start(options: LocalAgentOptions = {}): Promise<LocalAgent> {
    const agent = new LocalAgent(options);
    await agent.#listen(options.port ?? 0);
    return agent;
  }

  get port(): number {
    return this.#port;
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
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
    await Promise.all(this.#servers.map(closeServer));
    this.#servers = [];
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
    for (const server of this.#servers) server.closeIdleConnections();
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

  /** Resolves with the view of the process once it is announced. */
  async waitForProcess(pid: number, timeoutMs: number = defaultWaitMs): Promise<void> {
    await this.waitFor(() => this.processes.has(pid), timeoutMs, `an announce of process ${pid}`);
  }

  #spanNames(): string {
    return JSON.stringify(
      this.spans()
        .slice(-20)
        .map(({ n }) => n),
    );
  }

  async #listen(port: number): Promise<void> {
    const attempts = port === 0 ? 5 : 1;
    for (let attempt = 1; ; attempt++) {
      const first = await this.#open(this.#host, port);
      this.#port = (first.address() as AddressInfo).port; // A TCP server has an address of this shape.
      this.#servers = [first];
      if (!(isLoopback(this.#host) && this.#host !== '::1')) return;
      try {
        this.#servers.push(await this.#open('::1', this.#port));
        return;
      } catch (error) {
        // Without IPv6 there is nothing to listen on; a port taken there would answer `localhost` in our place.
        if (!isTaken(error)) return;
        await closeServer(first);
        this.#servers = [];
        if (attempt === attempts) throw error;
      }
    }
  }

  #open(host: string, port: number): Promise<Server> {
    const server = createServer(
      { connectionsCheckingInterval: 1000, headersTimeout: 8000, requestTimeout: 12_000, keepAliveTimeout: 60_000 },
      (request, response) => void this.#serve(request, response).catch(() => response.destroy()),
    );
    server.maxConnections = 2000;
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\n${rawGuardHeaders()}Connection: close\r\n\r\n`);
    });
    if (!this.#holdsProcess) server.on('connection', (socket) => socket.unref());
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        server.on('error', () => {}); // A failed accept() ends that connection, not the agent.
        if (!this.#holdsProcess) server.unref();
        resolve(server);
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
    const route = matchProtocol(method, path);
    if (route !== null && !(route.endpoint === 'lookup' && wantsPage(request))) {
      await this.#serveSensor(route, request, response);
    } else {
      const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
      this.#serveViewer(method, path, query, request, response);
    }
  }

  async #serveSensor(route: ProtocolRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJsonBody(request, maximumBodyBytes);
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
    } else {
      const sources = { traces: this.traces, processes: this.processes, requestCounts: () => this.#log.counts() };
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
    this.#listener.left?.(pid);
    this.#stream.tell('process', pid, () => ({ pid, gone: true }));
  }

  #measured(pid: number, point: MetricsPoint): void {
    this.#stream.tell('metrics', pid, () => ({ pid, ...point }));
  }

  #traced(traces: ReadonlySet<StoredTrace>): void {
    this.#listener.traced?.(traces);
    for (const trace of traces) this.#stream.tell('trace', trace.traceId, () => this.traces.summary(trace));
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
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

function rawGuardHeaders(): string {
  return Object.entries(guardHeaders)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
