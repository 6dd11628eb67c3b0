// Makes a test agent misbehave on purpose, so that tests can see how a sensor reacts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from '../../../src/devtools/server/routes.js';

/**
 * One way to misbehave. `respond` replaces the response, also by garbage or a redirect; `delay` sends the usual response late;
 * `hang` never responds; `reset` and `fin` end the connection without a response; `short-body` ends it before the announced
 * length; `endless-body` sends a blank at an interval for ever; `huge-body` sends this number of bytes; `close` sends the usual
 * response and closes the connection.
 */
export type InjectedFault =
  | {
      readonly kind: 'respond';
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

/** How long a fault lasts, and what it means for the request. */
export interface FaultOptions {
  /** Number of requests that it applies to. Default: all, until it is cleared. */
  readonly times?: number;
  /**
   * Whether the request takes effect nevertheless: a process is announced, spans are stored. Default: true exactly if the sensor
   * must consider it delivered, which is after a 2xx status.
   */
  readonly takesEffect?: boolean;
}

/** A fault for one request, and whether that request takes effect. */
export interface ActiveFault {
  readonly fault: InjectedFault;
  readonly takesEffect: boolean;
}

/** Responses to the look-up of older and newer agents, and of servers that are not an agent. */
export const lookupResponses: Readonly<
  Record<'onlyServerHeader' | 'onlyVersion' | 'nginx' | 'jsonWithoutVersion', InjectedFault>
> = {
  onlyServerHeader: { kind: 'respond', headers: { Server: 'Instana Agent' }, body: '' },
  onlyVersion: { kind: 'respond', headers: { 'Content-Type': 'application/json' }, body: '{"version":"1.1.999"}' },
  nginx: {
    kind: 'respond',
    headers: { Server: 'nginx', 'Content-Type': 'text/html' },
    body: '<!DOCTYPE html><title>Welcome to nginx!</title>',
  },
  jsonWithoutVersion: { kind: 'respond', headers: { 'Content-Type': 'application/json' }, body: '{"status":"ok"}' },
};

/** Injects no fault at first; each endpoint may be changed at any time. */
export class FaultInjector {
  readonly #active: Map<Endpoint | 'all', { active: ActiveFault; left: number }> = new Map();
  readonly #timers: Set<NodeJS.Timeout> = new Set();

  /** Sets the fault of an endpoint in place of its earlier one. It takes precedence over the fault of `all`. */
  set(endpoint: Endpoint | 'all', fault: InjectedFault, options: FaultOptions = {}): void {
    const takesEffect = options.takesEffect ?? looksDelivered(fault);
    this.#active.set(endpoint, { active: { fault, takesEffect }, left: options.times ?? Number.POSITIVE_INFINITY });
  }

  /** Clears the fault of one endpoint, or all faults. */
  clear(endpoint?: Endpoint | 'all'): void {
    if (endpoint === undefined) this.#active.clear();
    else this.#active.delete(endpoint);
  }

  /** Takes the fault for one request, `null` if there is none. */
  take(endpoint: Endpoint): ActiveFault | null {
    for (const key of [endpoint, 'all'] as const) {
      const entry = this.#active.get(key);
      if (entry === undefined || entry.left <= 0) continue;
      if (--entry.left <= 0) this.#active.delete(key);
      return entry.active;
    }
    return null;
  }

  /** Misbehaves; `sendUsual` sends the usual response. */
  perform(fault: InjectedFault, request: IncomingMessage, response: ServerResponse, sendUsual: () => void): void {
    switch (fault.kind) {
      case 'respond':
        response.writeHead(fault.status ?? 200, { ...fault.headers });
        response.end(fault.body ?? '');
        break;
      case 'delay':
        this.#later(fault.ms, sendUsual);
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
        // The head must be sent before the connection ends.
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
        sendUsual();
        break;
    }
  }

  /** Cancels delayed responses and endless bodies. */
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

function looksDelivered(fault: InjectedFault): boolean {
  if (fault.kind === 'respond') return (fault.status ?? 200) >= 200 && (fault.status ?? 200) < 300;
  return fault.kind !== 'hang' && fault.kind !== 'reset' && fault.kind !== 'fin';
}

/** Writes blanks no faster than they are read, so that the memory of the agent stays small. */
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
