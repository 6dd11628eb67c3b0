// JSON requests to an agent, or to who may be one, or to a collector, one at a time over one kept connection, written to the socket directly.
//
// A client on top of `http` would run through the same functions of Node.js as the application's own server, with objects of other
// shapes: V8 then compiles those functions for both, and every request that the application serves becomes slower.
import type { Socket } from 'node:net';
import { watchForIdleProcess } from './idle-process.js';
import { type Address, bracketed, type HttpRequest, type HttpResponse } from './message.js';
import { ResponseParser } from './response-parser.js';

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

/** The request under way. */
interface Exchange {
  readonly parser: ResponseParser;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/** A lane for each kind of traffic keeps a slow one from holding up the others. */
export class HttpConnection {
  readonly #deadlineMs: number;
  readonly #idleMs: number;
  #socket: Socket | null = null;
  #peer = '';
  #lastUse = 0;
  #exchange: Exchange | null = null;
  #isAbortedAtExit = false;
  #idleWatch: { stop(): void } | null = null;

  /** A connection that was not used for `idleMs` is not used again. */
  constructor(deadlineMs: number = 5000, idleMs: number = 10_000) {
    this.#deadlineMs = deadlineMs;
    this.#idleMs = idleMs;
  }

  /** Whether the last request was given up because nothing else kept the process alive. */
  isAbortedAtExit(): boolean {
    return this.#isAbortedAtExit;
  }

  /**
   * Resolves as soon as there is a status and the answer is read, cut at its limit, or broken; rejects, with a message fit for a
   * log, when there is no status within the deadline. The caller sends the next one only afterwards.
   */
  async send(address: Address, request: HttpRequest): Promise<HttpResponse> {
    this.#isAbortedAtExit = false;
    const deadline = setTimeout(() => this.#giveUp('no answer in time'), this.#deadlineMs);
    deadline.unref();
    try {
      return await this.#sendTwiceIfStale(address, request);
    } finally {
      clearTimeout(deadline);
      this.#idleWatch?.stop();
      this.#idleWatch = null;
    }
  }

  /**
   * Hands a request over to the system at once, if there is a kept connection on which nothing is under way; whatever becomes of it. For
   * the end of the process, when no turn of the event loop is left. Never throws.
   */
  sendWithoutResponse(address: Address, request: HttpRequest): void {
    const socket = this.#exchange === null ? this.#reusable(address) : null;
    if (socket === null) return;
    try {
      write(socket, address, request);
    } catch {
      // There is nobody left to tell.
    }
  }

  /** Gives up the request under way and closes the socket. The channel can be used again. */
  close(): void {
    this.#giveUp('the connection was closed');
  }

  /**
   * An idle socket that the agent closes at the moment of its reuse fails before any answer: only then, and on a new socket, the
   * request is sent again.
   */
  async #sendTwiceIfStale(address: Address, request: HttpRequest): Promise<HttpResponse> {
    const socket = this.#reusable(address);
    if (socket !== null) {
      try {
        return await this.#exchangeOn(socket, address, request);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
      }
    }
    return this.#exchangeOn(null, address, request);
  }

  #reusable(address: Address): Socket | null {
    const socket = this.#socket;
    if (socket === null) return null;
    if (this.#peer === peerOf(address) && now() - this.#lastUse < this.#idleMs) return socket;
    this.#drop();
    return null;
  }

  /** With null on a new connection. */
  #exchangeOn(kept: Socket | null, address: Address, request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#exchange = { parser: new ResponseParser(request.method === 'HEAD'), resolve, reject };
      try {
        if (kept !== null) write(kept, address, request);
        else this.#open(address, request);
        // What the system took at once holds nothing: mostly a request costs no more than its deadline.
        if (kept === null || kept.writableLength > 0) this.#watchForIdleProcess();
      } catch (error) {
        this.#fail(describe(error));
      }
    });
  }

  #watchForIdleProcess(): void {
    this.#idleWatch ??= watchForIdleProcess(() => {
      this.#isAbortedAtExit = true;
      this.#giveUp('the process has nothing else to do');
    });
  }

  #open(address: Address, request: HttpRequest): void {
    const socket = connect(address);
    this.#socket = socket;
    this.#peer = peerOf(address);
    const exchange = this.#exchange;
    // The handle may be replaced while addresses of both families are tried, so it is unref'd now and once connected.
    socket.unref();
    // Nothing is written, no header with a credential above all, before the certificate has been looked at.
    socket.on(address.isSecure === true ? 'secureConnect' : 'connect', () => {
      socket.unref();
      if (this.#exchange !== exchange) return;
      try {
        write(socket, address, request);
      } catch (error) {
        this.#fail(describe(error));
      }
    });
    socket.on('data', (chunk: Buffer) => this.#read(socket, chunk));
    socket.on('end', () => this.#ended(socket, true));
    socket.on('error', (error) => {
      if (socket === this.#socket && !isReset(error)) this.#fail(describe(error));
    });
    socket.on('close', () => this.#ended(socket, false));
  }

  #read(socket: Socket, chunk: Buffer): void {
    if (socket !== this.#socket) return;
    const exchange = this.#exchange;
    if (exchange === null) {
      this.#drop(); // nobody asked
      return;
    }
    exchange.parser.push(chunk);
    const { state } = exchange.parser;
    if (state === 'broken') this.#fail('the answer is no HTTP');
    else if (state !== 'reading') this.#settle(exchange);
  }

  /** The connection ended: that can be the end of an answer, too. */
  #ended(socket: Socket, isClean: boolean): void {
    if (socket !== this.#socket) return;
    const exchange = this.#exchange;
    exchange?.parser.end(isClean);
    if (exchange?.parser.hasHead === true) {
      this.#settle(exchange);
      return;
    }
    this.#exchange = null;
    this.#drop();
    exchange?.reject(exchange.parser.isUntouched ? new StaleConnection('ECONNRESET') : new Error('ECONNRESET'));
  }

  #settle(exchange: Exchange): void {
    this.#exchange = null;
    this.#lastUse = now();
    if (!exchange.parser.isReusable) this.#drop();
    exchange.resolve(exchange.parser.response());
  }

  /** The time is up, or nobody wants the answer any more: what there is of it is the answer. */
  #giveUp(reason: string): void {
    const exchange = this.#exchange;
    if (exchange?.parser.hasHead === true) this.#settle(exchange);
    else this.#fail(reason);
  }

  #fail(reason: string): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#drop();
    exchange?.reject(new Error(reason));
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }
}

/** Not yet connected. Each of the two modules is loaded when it is needed. */
function connect({ host, port, isSecure }: Address): Socket {
  const net = require('node:net') as typeof import('node:net');
  const options = { host: host.replace(/^\[|\]$/g, ''), port, noDelay: true };
  if (isSecure !== true) return net.connect(options);
  const tls = require('node:tls') as typeof import('node:tls');
  // Whoever serves several names chooses the certificate by it; an address is no name (RFC 6066, section 3).
  return tls.connect(net.isIP(options.host) === 0 ? { ...options, servername: options.host } : options);
}

function peerOf({ host, port, isSecure }: Address): string {
  return `${isSecure === true ? 'tls' : 'tcp'}:${host}:${port}`;
}

/** The connection ended before a byte of the answer. */
class StaleConnection extends Error {}

function write(socket: Socket, address: Address, { method, path, headLines = '', body }: HttpRequest): void {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${bracketed(address.host)}:${address.port}\r\nConnection: keep-alive\r\nAccept: application/json\r\nUser-Agent: ts-sensor\r\n${headLines}`;
  const content = typeof body === 'function' ? body(socket) : body;
  if (content === undefined) {
    socket.write(`${head}\r\n`, 'latin1');
    return;
  }
  const lengthBytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  const fullHead = `${head}Content-Type: application/json; charset=UTF-8\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
  if (typeof content === 'string') {
    // Text of one byte each need not be encoded.
    socket.write(fullHead + content, lengthBytes === content.length ? 'latin1' : 'utf8');
    return;
  }
  socket.cork();
  socket.write(fullHead, 'latin1');
  socket.write(content);
  socket.uncork();
}

/** Short: the code of a system error, else the message. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}

/** `close` follows, which knows whether anything had come. */
function isReset(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}
