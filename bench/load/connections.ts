// Connections of a load generator that costs little itself: requests of fixed text, answers only counted and timed.
import { connect, type Socket } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');

/** One connection, kept open; it has one request under way at a time. */
class Lane {
  readonly #socket: Socket;
  readonly #broken: (error: Error) => void;
  #buffered: Buffer = Buffer.alloc(0);
  #answered: ((isRight: boolean) => void) | null = null;

  private constructor(socket: Socket, broken: (error: Error) => void) {
    this.#socket = socket;
    this.#broken = broken;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', broken);
    socket.on('end', () => this.#broken(new Error('the server closed a connection')));
  }

  static open(port: number, broken: (error: Error) => void): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Lane(socket, broken)));
      socket.once('error', reject);
    });
  }

  send(request: string, answered: (isRight: boolean) => void): void {
    this.#answered = answered;
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
    const answered = this.#answered;
    this.#answered = null;
    answered?.(text.startsWith('HTTP/1.1 200 '));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** What came back. */
export interface Outcome {
  readonly answered: number;
  /** Answers other than 200. */
  readonly wrong: number;
  readonly tookMs: number;
  /** With a rate from when a request was due, so that a server that stands still is charged with all who wait. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
}

/** What a request waits for, and what is known of it when it is over. */
interface Run {
  readonly latenciesMs: number[];
  readonly idle: Lane[];
  readonly dueMs: number[];
  wrong: number;
  left: number;
}

/** A set of connections to one server, open until closed. */
export class Connections {
  readonly #lanes: readonly Lane[];
  readonly #request: string;
  #broken: Error | null = null;
  #fail: ((error: Error) => void) | null = null;

  private constructor(lanes: readonly Lane[], request: string) {
    this.#lanes = lanes;
    this.#request = request;
  }

  /** `head` is further lines of the request's head, each with its line end. */
  static async open(port: number, path: string, head: string, count: number): Promise<Connections> {
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}\r\n`;
    let own: Connections | null = null;
    const broken = (error: Error): void => own?.break(error);
    const lanes = await Promise.all(Array.from({ length: count }, () => Lane.open(port, broken)));
    own = new Connections(lanes, request);
    return own;
  }

  /** A connection has ended; whoever waits is told. */
  break(error: Error): void {
    this.#broken = error;
    this.#fail?.(error);
  }

  /**
   * Sends so many requests: without a rate each connection sends as soon as it is answered, with one (a second) they are sent when
   * they are due, and wait when no connection is free.
   */
  send(requests: number, rate: number | null): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) throw this.#broken;
      this.#fail = reject;
      const startMs = performance.now();
      const run: Run = { latenciesMs: [], idle: [...this.#lanes], dueMs: [], wrong: 0, left: requests };
      const over = (): void => {
        const sorted = run.latenciesMs.sort((left, right) => left - right);
        const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
        const latencyMs = { median: at(0.5), p99: at(0.99) };
        resolve({ answered: sorted.length, wrong: run.wrong, tookMs: performance.now() - startMs, latencyMs });
      };
      if (rate === null) for (const lane of this.#lanes) this.#sendOnAnswer(lane, run, requests, over);
      else this.#sendWhenDue(run, { requests, rate, startMs, over });
    });
  }

  #sendOnAnswer(lane: Lane, run: Run, requests: number, over: () => void): void {
    if (run.left <= 0) return;
    run.left--;
    const sentMs = performance.now();
    lane.send(this.#request, (isRight) => {
      run.latenciesMs.push(performance.now() - sentMs);
      if (!isRight) run.wrong++;
      if (run.latenciesMs.length === requests) over();
      else this.#sendOnAnswer(lane, run, requests, over);
    });
  }

  #sendWhenDue(run: Run, plan: { requests: number; rate: number; startMs: number; over: () => void }): void {
    const { requests, rate, startMs, over } = plan;
    const pump = (): void => {
      while (run.dueMs.length > 0) {
        const lane = run.idle.pop();
        if (lane === undefined) return;
        const dueMs = run.dueMs.shift() ?? 0;
        lane.send(this.#request, (isRight) => {
          run.latenciesMs.push(performance.now() - dueMs);
          if (!isRight) run.wrong++;
          run.idle.push(lane);
          if (run.latenciesMs.length === requests) over();
          else pump();
        });
      }
    };
    const tick = (): void => {
      const nowMs = performance.now();
      const due = Math.min(requests, Math.floor(((nowMs - startMs) / 1000) * rate) + 1);
      // A request is due when the clock of this process strikes: it is not the server's fault that this is once a millisecond.
      for (let made = requests - run.left; made < due; made++) run.dueMs.push(nowMs);
      run.left = requests - Math.max(due, requests - run.left);
      pump();
      if (run.left > 0) setTimeout(tick, 1);
    };
    tick();
  }

  close(): void {
    for (const lane of this.#lanes) lane.destroy();
  }
}
