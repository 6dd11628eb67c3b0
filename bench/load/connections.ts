// The connections of a cheap load generator: the requests are fixed text, the responses are only counted and timed.
import { connect, type Socket } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');

/** One open connection, with one request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #onBroken: (error: Error) => void;
  #buffered: Buffer = Buffer.alloc(0);
  #onResponse: ((isSuccess: boolean) => void) | null = null;

  private constructor(socket: Socket, onBroken: (error: Error) => void) {
    this.#socket = socket;
    this.#onBroken = onBroken;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', onBroken);
    socket.on('end', () => this.#onBroken(new Error('the server closed a connection')));
  }

  static open(port: number, onBroken: (error: Error) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket, onBroken)));
      socket.once('error', reject);
    });
  }

  send(request: string, onResponse: (isSuccess: boolean) => void): void {
    this.#onResponse = onResponse;
    this.#socket.write(request);
  }

  #read(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const head = this.#buffered.indexOf(endOfHead);
    if (head < 0) return;
    const text = this.#buffered.toString('latin1', 0, head);
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (this.#buffered.length < head + 4 + length) return;
    this.#buffered = this.#buffered.subarray(head + 4 + length);
    const onResponse = this.#onResponse;
    this.#onResponse = null;
    onResponse?.(text.startsWith('HTTP/1.1 200 '));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** What came back. */
export interface Outcome {
  readonly responses: number;
  /** Responses other than 200. */
  readonly failed: number;
  readonly tookMs: number;
  /** With a rate, measured from when a request was due, so that a stalled server is charged for all waiting requests. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
}

/** The state of one `send`. */
interface Run {
  readonly latenciesMs: number[];
  readonly idle: Connection[];
  readonly dueMs: number[];
  failed: number;
  left: number;
}

/** A set of connections to one server, open until `close`. */
export class Connections {
  readonly #connections: readonly Connection[];
  readonly #request: string;
  #broken: Error | null = null;
  #fail: ((error: Error) => void) | null = null;

  private constructor(connections: readonly Connection[], request: string) {
    this.#connections = connections;
    this.#request = request;
  }

  /** `head` is extra header lines, each with its line end. */
  static async open(port: number, path: string, head: string, count: number): Promise<Connections> {
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}\r\n`;
    let own: Connections | null = null;
    const onBroken = (error: Error): void => own?.break(error);
    const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port, onBroken)));
    own = new Connections(connections, request);
    return own;
  }

  /** A connection has ended: the pending `send` rejects, and so does every later one. */
  break(error: Error): void {
    this.#broken = error;
    this.#fail?.(error);
  }

  /**
   * Sends this number of requests. Without a rate, each connection sends the next one after each response. With a rate (a second),
   * requests are sent when they are due, and wait while no connection is free.
   */
  send(requests: number, rate: number | null): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) throw this.#broken;
      this.#fail = reject;
      const startMs = performance.now();
      const run: Run = { latenciesMs: [], idle: [...this.#connections], dueMs: [], failed: 0, left: requests };
      const over = (): void => {
        const sorted = run.latenciesMs.sort((left, right) => left - right);
        const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
        const latencyMs = { median: at(0.5), p99: at(0.99) };
        resolve({ responses: sorted.length, failed: run.failed, tookMs: performance.now() - startMs, latencyMs });
      };
      if (rate === null)
        for (const connection of this.#connections) this.#sendOnResponse(connection, run, requests, over);
      else this.#sendWhenDue(run, { requests, rate, startMs, over });
    });
  }

  #sendOnResponse(connection: Connection, run: Run, requests: number, over: () => void): void {
    if (run.left <= 0) return;
    run.left--;
    const sentMs = performance.now();
    connection.send(this.#request, (isSuccess) => {
      run.latenciesMs.push(performance.now() - sentMs);
      if (!isSuccess) run.failed++;
      if (run.latenciesMs.length === requests) over();
      else this.#sendOnResponse(connection, run, requests, over);
    });
  }

  #sendWhenDue(run: Run, plan: { requests: number; rate: number; startMs: number; over: () => void }): void {
    const { requests, rate, startMs, over } = plan;
    const pump = (): void => {
      while (run.dueMs.length > 0) {
        const connection = run.idle.pop();
        if (connection === undefined) return;
        const dueMs = run.dueMs.shift() ?? 0;
        connection.send(this.#request, (isSuccess) => {
          run.latenciesMs.push(performance.now() - dueMs);
          if (!isSuccess) run.failed++;
          run.idle.push(connection);
          if (run.latenciesMs.length === requests) over();
          else pump();
        });
      }
    };
    const tick = (): void => {
      const nowMs = performance.now();
      const due = Math.min(requests, Math.floor(((nowMs - startMs) / 1000) * rate) + 1);
      // Requests become due at the ticks of this timer: the server is not charged for its resolution of a millisecond.
      for (let made = requests - run.left; made < due; made++) run.dueMs.push(nowMs);
      run.left = requests - Math.max(due, requests - run.left);
      pump();
      if (run.left > 0) setTimeout(tick, 1);
    };
    tick();
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
