// JSON requests to the agent: one at a time over one kept-alive socket, each with a time limit, none of them holding the process.
import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { RequestInit, Response } from 'node-fetch';

/** Where an agent listens; `host` is a name or an address, IPv6 without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface JsonRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path: string;
  /** The JSON text, or a function that makes it once the socket that will carry it is connected. */
  readonly body?: string | ((socket: Socket) => string);
}

/** What came back. `text` is at most 1 MiB; `isComplete` is false when more was to come or the connection broke. */
export interface JsonAnswer {
  readonly status: number;
  readonly server: string;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly isComplete: boolean;
}

/** Whether a status means success. */
export function isGood(status: number): boolean {
  return status >= 200 && status <= 299;
}

const maximumAnswerBytes = 1024 * 1024;
const idleSocketMs = 10_000;
const exitCheckMs = 50;
const contentType = 'application/json; charset=UTF-8';

/**
 * Pending operations of unref'd sockets. Unlike the sockets, they keep the event loop alive, and nothing can unref them
 * (https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_alive counts active requests).
 */
const socketOperations: ReadonlySet<string> = new Set([
  'ConnectWrap',
  'TCPConnectWrap',
  'WriteWrap',
  'SimpleWriteWrap',
  'ShutdownWrap',
  'GetAddrInfoReqWrap',
]);

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;

/** Methods of `http.Agent` that its types leave out: two that are documented to be overridden, and what requests call. */
interface Connecting {
  addRequest(request: ClientRequest, ...rest: unknown[]): void;
  createConnection(options: object, done?: unknown): Socket | undefined;
  reuseSocket(socket: Socket, request: unknown): void;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Sends requests one after the other. A lane for each kind of traffic keeps a slow one from holding up the others. */
export class JsonRequester {
  readonly #deadlineMs: number;
  #agent: HttpAgent | null = null;
  #isReused = false;
  #abort: AbortController | null = null;
  #abortReason = '';
  #isCutForExit = false;

  constructor(deadlineMs: number = 5000) {
    this.#deadlineMs = deadlineMs;
  }

  /** Loads the HTTP client, some 20 ms of work; without it the first request does. */
  load(): void {
    loadFetch();
  }

  /** Whether the last request was given up because nothing else kept the process alive. */
  isCutForExit(): boolean {
    return this.#isCutForExit;
  }

  /**
   * Resolves as soon as there is a status and the answer is read, cut at its limit, or broken; rejects, with a message
   * fit for a log, when there is no status within the deadline. The caller sends the next one only afterwards.
   */
  async send(address: Address, request: JsonRequest): Promise<JsonAnswer> {
    this.#isCutForExit = false;
    const abort = new AbortController();
    this.#abort = abort;
    this.#abortReason = 'no answer in time';
    const deadline = setTimeout(() => abort.abort(), this.#deadlineMs);
    deadline.unref();
    const watch = this.#watchForExit();
    try {
      return await this.#sendTwiceIfStale(address, request, abort.signal);
    } catch (error) {
      throw new Error(abort.signal.aborted ? this.#abortReason : describe(error));
    } finally {
      clearTimeout(deadline);
      watch.stop();
      this.#abort = null;
    }
  }

  /** Gives up the request under way and closes the socket. The requester can be used again. */
  close(): void {
    this.#giveUp('the connection was closed');
    this.#agent?.destroy();
    this.#agent = null;
  }

  #giveUp(reason: string): void {
    if (this.#abort === null) return;
    this.#abortReason = reason;
    this.#abort.abort();
  }

  /**
   * An idle socket that the agent closes at the moment of its reuse fails before any answer: only then, and on
   * a new socket, the request is sent again.
   */
  async #sendTwiceIfStale(address: Address, request: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
    this.#isReused = false;
    try {
      return await this.#sendOnce(address, request, signal);
    } catch (error) {
      if (!this.#isReused || signal.aborted || !isReset(error)) throw error;
      return await this.#sendOnce(address, request, signal);
    }
  }

  async #sendOnce(address: Address, request: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
    const { body } = request;
    if (typeof body === 'function') {
      const socket = await connect(address, signal);
      this.#agent?.destroy();
      this.#agent = this.#makeAgent(socket);
      return this.#fetch(address, request, body(socket), signal);
    }
    this.#agent ??= this.#makeAgent(null);
    return this.#fetch(address, request, body, signal);
  }

  async #fetch(
    address: Address,
    request: JsonRequest,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<JsonAnswer> {
    const headers: Record<string, string> = { Accept: 'application/json', 'User-Agent': 'ts-sensor' };
    if (body !== undefined) headers['Content-Type'] = contentType;
    const init = {
      method: request.method,
      headers,
      ...(body === undefined ? {} : { body }),
      agent: this.#agent ?? undefined,
      redirect: 'manual',
      compress: false,
      size: maximumAnswerBytes,
      signal: signal as RequestInit['signal'], // Node's own signal, which the client's types describe differently
    } as RequestInit;
    const url = `http://${bracketed(address.host)}:${address.port}${request.path}`;
    const fetch = loadFetch();
    const response = await withoutDeprecations(() => fetch(url, init));
    const { text, isComplete } = await readBody(response.body);
    if (!isComplete) this.#abort?.abort();
    return {
      status: response.status,
      server: response.headers.get('server') ?? '',
      retryAfter: response.headers.get('retry-after'),
      text,
      isComplete,
    };
  }

  /** `prepared`, if any, is the connected socket that the first request is to use. */
  #makeAgent(prepared: Socket | null): HttpAgent {
    const http = require('node:http') as typeof import('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1, timeout: idleSocketMs });
    const connecting = agent as unknown as Connecting;
    const createConnection = connecting.createConnection.bind(agent);
    const reuseSocket = connecting.reuseSocket.bind(agent);
    const addRequest = connecting.addRequest.bind(agent);
    let next = prepared;
    connecting.createConnection = (options, done) => {
      const socket = next ?? createConnection(options, done);
      next = null;
      if (socket !== undefined) neverHold(socket);
      this.#isReused = false;
      return socket;
    };
    connecting.addRequest = (request, ...rest) => {
      request.prependOnceListener('response', pipeQuietly);
      addRequest(request, ...rest);
    };
    connecting.reuseSocket = (socket, request) => {
      reuseSocket(socket, request); // refs the socket
      socket.unref();
      this.#isReused = true;
    };
    return agent;
  }

  /**
   * A connect or write that never completes would keep a process alive that has nothing else to do. When two looks in
   * a row see nothing but such operations, the request is given up.
   */
  #watchForExit(): { stop(): void } {
    let idleLooks = 0;
    const look = (): void => {
      idleLooks = isHeldBySocketsOnly() ? idleLooks + 1 : 0;
      if (idleLooks < 2) {
        timer = setTimeout(look, exitCheckMs).unref();
        return;
      }
      this.#isCutForExit = true;
      this.#giveUp('the process has nothing else to do');
    };
    let timer = setTimeout(look, exitCheckMs).unref();
    return { stop: () => clearTimeout(timer) };
  }
}

/** Whether nothing is active but operations of sockets, one of which may be ours, and output streams, which hold nothing. */
function isHeldBySocketsOnly(): boolean {
  const active = process.getActiveResourcesInfo();
  const others = active.filter((name) => !socketOperations.has(name));
  return active.length > others.length && (others.length === 0 || others.length <= countOutputHandles());
}

/** Output streams of the process that are pipes or terminals are listed as active for ever, once the host has used them. */
function countOutputHandles(): number {
  const handles = (process as { _getActiveHandles?: () => unknown[] })._getActiveHandles?.() ?? [];
  return handles.filter((handle) => {
    const fd = (handle as { fd?: unknown } | null)?.fd;
    return fd === 1 || fd === 2;
  }).length;
}

function loadFetch(): Fetch {
  // Not imported at the top: loading it takes longer than the rest of the sensor together.
  return withoutDeprecations(() => require('node-fetch') as Fetch);
}

/**
 * The client uses `punycode` and `url.parse()`, of which a host that runs with --pending-deprecation would be told, or
 * die with --throw-deprecation. Both happen before the first turn ends.
 */
function withoutDeprecations<T>(work: () => T): T {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return work();
  } finally {
    if (noDeprecation === undefined) Reflect.deleteProperty(process, 'noDeprecation');
    else process.noDeprecation = noDeprecation;
  }
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The handle may be replaced while addresses of both families are tried, so it is unref'd now and once connected. */
function neverHold(socket: Socket): void {
  socket.unref();
  if (socket.connecting) socket.once('connect', () => socket.unref());
}

function connect(address: Address, signal: AbortSignal): Promise<Socket> {
  const net = require('node:net') as typeof import('node:net');
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address.host.replace(/^\[|\]$/g, ''), port: address.port });
    neverHold(socket);
    const abort = (): void => void socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort);
    const settle = (): void => signal.removeEventListener('abort', abort);
    socket.once('close', () => {
      settle();
      reject(new Error('the connection was closed'));
    });
    // Stays for good: an error between here and the client's own listener would be uncaught.
    socket.on('error', reject);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

/** Short: the code of a system error, else the message. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}

function isReset(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}

/** Reads at most 1 MiB; the client itself would go on reading and throwing away after its limit. */
function readBody(body: NodeJS.ReadableStream): Promise<{ text: string; isComplete: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const finish = (isComplete: boolean): void => resolve({ text: Buffer.concat(chunks).toString('utf8'), isComplete });
    body.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= maximumAnswerBytes) chunks.push(chunk);
      else finish(false);
    });
    body.on('end', () => finish(true));
    body.on('error', () => finish(false));
    body.on('close', () => finish(false));
  });
}

/**
 * The client pipes each answer. `pipe()` of Node.js asks for `process.stdout` and `process.stderr`, which makes streams
 * that nobody asked for and turns a pipe of the host's to non-blocking; and it does not hand on that an answer broke off.
 * So answers on our own sockets get a `pipe()` that does neither. Who reads has a limit, so that none is needed here.
 */
function pipeQuietly(answer: IncomingMessage): void {
  const pipe = (destination: Writable): Writable => {
    answer.on('data', (chunk) => destination.write(chunk));
    answer.on('end', () => destination.end());
    answer.on('error', () => {});
    answer.on('close', () => {
      if (!answer.complete) destination.destroy();
    });
    return destination;
  };
  answer.pipe = pipe as IncomingMessage['pipe']; // the client calls it with this one argument
}
