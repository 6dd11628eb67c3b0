// One JSON request to whoever listens at an address, which need not be an agent: `node-fetch` reads whatever comes back.
import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { RequestInit, Response } from 'node-fetch';
import { maximumAnswerBytes } from './answer-reader.js';
import { watchForExit } from './exit-watch.js';

/** Where an agent listens; `host` is a name or an address, IPv6 without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface JsonRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path: string;
  /** The JSON as text or as UTF-8 bytes, or a function that makes it once the socket that will carry it is connected. */
  readonly body?: string | Uint8Array | ((socket: Socket) => string);
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

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;

/** Methods of `http.Agent` that its types leave out: one that is documented to be overridden, and what requests call. */
interface Connecting {
  addRequest(request: ClientRequest, ...rest: unknown[]): void;
  createConnection(options: object, done?: unknown): Socket | undefined;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Sends requests without a body one after the other, each on a connection of its own. */
export class JsonRequester {
  readonly #deadlineMs: number;
  #abort: AbortController | null = null;
  #abortReason = '';

  constructor(deadlineMs: number = 5000) {
    this.#deadlineMs = deadlineMs;
  }

  /** Loads the HTTP client, some 20 ms of work; without it the first request does. */
  load(): void {
    loadFetch();
  }

  /**
   * Resolves as soon as there is a status and the answer is read, cut at its limit, or broken; rejects, with a message
   * fit for a log, when there is no status within the deadline. The caller sends the next one only afterwards.
   */
  async send(address: Address, request: JsonRequest): Promise<JsonAnswer> {
    const abort = new AbortController();
    this.#abort = abort;
    this.#abortReason = 'no answer in time';
    const deadline = setTimeout(() => abort.abort(), this.#deadlineMs);
    deadline.unref();
    const watch = watchForExit(() => this.#giveUp('the process has nothing else to do'));
    try {
      return await this.#fetch(address, request, abort);
    } catch (error) {
      throw new Error(abort.signal.aborted ? this.#abortReason : describe(error));
    } finally {
      clearTimeout(deadline);
      watch.stop();
      this.#abort = null;
    }
  }

  /** Gives up the request under way. The requester can be used again. */
  close(): void {
    this.#giveUp('the connection was closed');
  }

  #giveUp(reason: string): void {
    if (this.#abort === null) return;
    this.#abortReason = reason;
    this.#abort.abort();
  }

  async #fetch(address: Address, request: JsonRequest, abort: AbortController): Promise<JsonAnswer> {
    const init = {
      method: request.method,
      headers: { Accept: 'application/json', 'User-Agent': 'ts-sensor' },
      agent: quietAgent(),
      redirect: 'manual',
      compress: false,
      size: maximumAnswerBytes,
      signal: abort.signal as RequestInit['signal'], // Node's own signal, which the client's types describe differently
    } as RequestInit;
    const url = `http://${bracketed(address.host)}:${address.port}${request.path}`;
    const fetch = loadFetch();
    const response = await withoutDeprecations(() => fetch(url, init));
    const { text, isComplete } = await readBody(response.body);
    if (!isComplete) abort.abort();
    return {
      status: response.status,
      server: response.headers.get('server') ?? '',
      retryAfter: response.headers.get('retry-after'),
      text,
      isComplete,
    };
  }
}

/** An agent whose socket never holds the process. */
function quietAgent(): HttpAgent {
  const http = require('node:http') as typeof import('node:http');
  const agent = new http.Agent();
  const connecting = agent as unknown as Connecting;
  const createConnection = connecting.createConnection.bind(agent);
  const addRequest = connecting.addRequest.bind(agent);
  connecting.createConnection = (options, done) => {
    const socket = createConnection(options, done);
    if (socket !== undefined) neverHold(socket);
    return socket;
  };
  connecting.addRequest = (request, ...rest) => {
    request.prependOnceListener('response', pipeQuietly);
    addRequest(request, ...rest);
  };
  return agent;
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

/** As it stands in a URL and in the Host header. */
export function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The handle may be replaced while addresses of both families are tried, so it is unref'd now and once connected. */
function neverHold(socket: Socket): void {
  socket.unref();
  if (socket.connecting) socket.once('connect', () => socket.unref());
}

/** Short: the code of a system error, else the message. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
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
