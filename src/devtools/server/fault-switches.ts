// Makes the local agent misbehave on purpose, so that tests can see what a sensor does about it.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a sensor can ask for; `all` stands for every one of them. */
export type Endpoint =
  | 'lookup'
  | 'announce'
  | 'ready'
  | 'metrics'
  | 'traces'
  | 'response'
  | 'profiles'
  | 'tracermetrics'
  | 'event'
  | 'monitoring-event'
  | 'logger'
  | 'otlp-metrics'
  | 'otlp-traces';

/**
 * One way to misbehave. `answer` replaces the answer, also by garbage or a redirect; `delay` answers as usual but late;
 * `hang` never answers; `reset` and `fin` end the connection without an answer; `short-body` ends it before the length
 * that was promised; `endless-body` sends a blank now and then for ever; `huge-body` sends that many bytes;
 * `close` answers as usual and does not keep the connection.
 */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'fin' }
  | { readonly kind: 'short-body' }
  | { readonly kind: 'endless-body'; readonly everyMs: number }
  | { readonly kind: 'huge-body'; readonly bytes: number }
  | { readonly kind: 'close' };

export interface FaultOptions {
  /** For how many requests; until cleared when absent. */
  readonly times?: number;
  /**
   * Whether the request takes effect all the same (a process is announced, spans are stored). By default it does
   * exactly when the sensor must take it for delivered: the status is 2xx.
   */
  readonly takesEffect?: boolean;
}

/** A switched-on fault and whether the request it hits takes effect. */
export interface ActiveFault {
  readonly fault: Fault;
  readonly takesEffect: boolean;
}

/** Answers to the look-up, other than the usual one: older agents, newer agents, and servers that are no agent. */
export const lookupAnswers: Readonly<
  Record<'onlyServerHeader' | 'onlyVersion' | 'nginx' | 'jsonWithoutVersion', Fault>
> = {
  onlyServerHeader: { kind: 'answer', headers: { Server: 'Instana Agent' }, body: '' },
  onlyVersion: { kind: 'answer', headers: { 'Content-Type': 'application/json' }, body: '{"version":"1.1.999"}' },
  nginx: {
    kind: 'answer',
    headers: { Server: 'nginx', 'Content-Type': 'text/html' },
    body: '<!DOCTYPE html><title>Welcome to nginx!</title>',
  },
  jsonWithoutVersion: { kind: 'answer', headers: { 'Content-Type': 'application/json' }, body: '{"status":"ok"}' },
};

/** The switches; all are off at first, each may be changed at any time. */
export class FaultSwitches {
  readonly #active: Map<Endpoint | 'all', { active: ActiveFault; left: number }> = new Map();
  readonly #timers: Set<NodeJS.Timeout> = new Set();

  /** Switches a fault on, in place of the one that was on there. That of an endpoint goes before that of `all`. */
  set(endpoint: Endpoint | 'all', fault: Fault, options: FaultOptions = {}): void {
    const takesEffect = options.takesEffect ?? looksDelivered(fault);
    this.#active.set(endpoint, { active: { fault, takesEffect }, left: options.times ?? Number.POSITIVE_INFINITY });
  }

  /** Switches off one fault, or all of them. */
  clear(endpoint?: Endpoint | 'all'): void {
    if (endpoint === undefined) this.#active.clear();
    else this.#active.delete(endpoint);
  }

  /** The fault for one request, which counts as used; `null` when all is well. */
  take(endpoint: Endpoint): ActiveFault | null {
    for (const key of [endpoint, 'all'] as const) {
      const entry = this.#active.get(key);
      if (entry === undefined || entry.left <= 0) continue;
      if (--entry.left <= 0) this.#active.delete(key);
      return entry.active;
    }
    return null;
  }

  /** Misbehaves; `answerAsUsual` sends what would have been sent. */
  perform(fault: Fault, request: IncomingMessage, response: ServerResponse, answerAsUsual: () => void): void {
    switch (fault.kind) {
      case 'answer':
        response.writeHead(fault.status ?? 200, { ...fault.headers });
        response.end(fault.body ?? '');
        break;
      case 'delay':
        this.#later(fault.ms, answerAsUsual);
        break;
      case 'hang':
        break;
      case 'reset':
        request.socket.resetAndDestroy();
        break;
      case 'fin':
        request.socket.end();
        break;
      case 'short-body':
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 1000 });
        response.write('[');
        // The head must have left before the connection ends.
        setImmediate(() => request.socket.end());
        break;
      case 'endless-body':
        response.writeHead(200, { 'Content-Type': 'application/json' });
        this.#drip(response, fault.everyMs);
        break;
      case 'huge-body':
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': fault.bytes });
        pour(response, fault.bytes);
        break;
      case 'close':
        response.setHeader('Connection', 'close');
        answerAsUsual();
        break;
    }
  }

  /** Ends what still runs, such as late answers. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #drip(response: ServerResponse, everyMs: number): void {
    if (response.destroyed) return;
    response.write(' ');
    this.#later(everyMs, () => this.#drip(response, everyMs));
  }
}

function looksDelivered(fault: Fault): boolean {
  if (fault.kind === 'answer') return (fault.status ?? 200) >= 200 && (fault.status ?? 200) < 300;
  return fault.kind !== 'hang' && fault.kind !== 'reset' && fault.kind !== 'fin';
}

/** Writes blanks no faster than they are read, so that the agent itself stays small. */
function pour(response: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  let left = bytes;
  const more = () => {
    while (left > 0 && !response.destroyed) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}
