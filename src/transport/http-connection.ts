// Sends JSON over one keep-alive socket, one request at a time, to an agent or a collector.
//
// It writes to the socket directly. A client based on `http` would share Node.js' functions with the application's server but use
// objects of other shapes: V8 would compile those functions for both, and every request to the application would become slower.
import type { Socket } from 'node:net';
import { bracketed } from '../core/bracketed.js';
import { systemClock } from '../core/clock.js';
import { watchForIdleProcess } from './idle-process.js';
import type { Address, HttpRequest, HttpResponse } from './message.js';
import { ResponseParser } from './response-parser.js';

/** The request under way. */
interface Exchange {
  readonly parser: ResponseParser;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/** One connection. Each kind of traffic has its own, so that a slow one does not delay the others. */
export class HttpConnection {
  readonly #deadlineMs: number;
  readonly #idleMs: number;
  #socket: Socket | null = null;
  #peer = '';
  #lastUse = 0;
  #exchange: Exchange | null = null;
  #isAbortedAtExit = false;
  #idleWatch: { stop(): void } | null = null;

  /** A request takes at most `deadlineMs`. A socket idle for `idleMs` is not reused. */
  constructor(deadlineMs: number = 5000, idleMs: number = 10_000) {
    this.#deadlineMs = deadlineMs;
    this.#idleMs = idleMs;
  }

  /** Whether the last request was aborted because nothing else kept the process alive. */
  isAbortedAtExit(): boolean {
    return this.#isAbortedAtExit;
  }

  /**
   * Resolves with a response that has a status and is complete, truncated or broken off. Rejects, with a message for the log, if
   * there is no status within the deadline. The caller waits for the result before it sends the next request.
   */
  async send(address: Address, request: HttpRequest): Promise<HttpResponse> {
    this.#isAbortedAtExit = false;
    const deadline = systemClock.setTimeout(() => this.#giveUp('no answer in time'), this.#deadlineMs);
    deadline.unref();
    try {
      return await this.#sendTwiceIfStale(address, request);
    } finally {
      systemClock.clearTimeout(deadline);
      this.#idleWatch?.stop();
      this.#idleWatch = null;
    }
  }

  /**
   * Writes a request at once and ignores the outcome; does nothing unless a kept socket is free. For the end of the process, when
   * no turn of the event loop is left. Never throws.
   */
  sendWithoutResponse(address: Address, request: HttpRequest): void {
    const socket = this.#exchange === null ? this.#reusable(address) : null;
    if (socket === null) return;
    try {
      write(socket, address, request);
    } catch {
      // The process is ending: nothing is left to report the error to.
    }
  }

  /** Aborts the request under way and closes the socket. The next request opens a new one. */
  close(): void {
    this.#giveUp('the connection was closed');
  }

  /**
   * If the agent closes an idle socket just as it is reused, the request fails before any byte of a response. Only then is it
   * sent again, on a new socket.
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
    if (this.#peer === peerOf(address) && systemClock.now() - this.#lastUse < this.#idleMs) return socket;
    this.#drop();
    return null;
  }

  /** Sends a request on a kept socket, or on a new one if `kept` is null. */
  #exchangeOn(kept: Socket | null, address: Address, request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#exchange = { parser: new ResponseParser(request.method === 'HEAD'), resolve, reject };
      try {
        if (kept !== null) write(kept, address, request);
        else this.#open(address, request);
        // A write that the system accepted at once keeps nothing alive, so most requests need no timer but the deadline.
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
    // Node.js may replace the handle while it tries addresses of both families, so it is unref'd now and again once connected.
    socket.unref();
    // Nothing is written before the certificate has been verified, least of all a header with a credential.
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
      this.#drop(); // no request is under way
      return;
    }
    exchange.parser.push(chunk);
    const { state } = exchange.parser;
    if (state === 'broken') this.#fail('the answer is no HTTP');
    else if (state !== 'reading') this.#settle(exchange);
  }

  /** The connection ended, which may also be the end of a response. */
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
    this.#lastUse = systemClock.now();
    if (!exchange.parser.isReusable) this.#drop();
    exchange.resolve(exchange.parser.response());
  }

  /** Ends the request early: resolves with the part of the response read so far, or rejects if there is no status. */
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

/** A socket that starts to connect. The two modules are loaded on demand. */
function connect({ host, port, isSecure }: Address): Socket {
  const net = require('node:net') as typeof import('node:net');
  const options = { host: host.replace(/^\[|\]$/g, ''), port, noDelay: true };
  if (isSecure !== true) return net.connect(options);
  const tls = require('node:tls') as typeof import('node:tls');
  // A server with several names selects the certificate by `servername`, which must not be an address (RFC 6066, section 3).
  return tls.connect(net.isIP(options.host) === 0 ? { ...options, servername: options.host } : options);
}

function peerOf({ host, port, isSecure }: Address): string {
  return `${isSecure === true ? 'tls' : 'tcp'}:${host}:${port}`;
}

/** The connection ended before the first byte of the response. */
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
    // ASCII text needs no encoding.
    socket.write(fullHead + content, lengthBytes === content.length ? 'latin1' : 'utf8');
    return;
  }
  socket.cork();
  socket.write(fullHead, 'latin1');
  socket.write(content);
  socket.uncork();
}

/** The code of a system error, otherwise the message. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}

/** Resets are left to `close`, which follows and knows whether any byte has arrived. */
function isReset(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}
