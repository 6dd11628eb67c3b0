// An agent for tests: a real HTTP server whose every answer a test can replace.
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Kind = 'lookup' | 'announce' | 'ready' | 'metrics' | 'traces' | 'response' | 'counters' | 'other';

export interface Received {
  readonly kind: Kind;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly atMs: number;
}

export type Handler = (response: ServerResponse, received: Received, request: IncomingMessage) => void;

function kindOf(method: string, path: string): Kind {
  if (path === '/') return 'lookup';
  if (path === '/com.instana.plugin.nodejs.discovery') return 'announce';
  if (path === '/tracermetrics') return 'counters';
  if (path.startsWith('/com.instana.plugin.nodejs/traces.')) return 'traces';
  if (path.startsWith('/com.instana.plugin.nodejs/response.')) return 'response';
  if (path.startsWith('/com.instana.plugin.nodejs.')) return method === 'HEAD' ? 'ready' : 'metrics';
  return 'other';
}

/** Answers with a status and a JSON body. */
export function reply(status: number, body: unknown = '', headers: Record<string, string> = {}): Handler {
  return (response) => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Never answers. */
export const hang: Handler = () => {};

/** Resets the connection. */
export const reset: Handler = (response) => void response.socket?.resetAndDestroy();

export class FakeAgent {
  readonly received: Received[] = [];
  readonly sockets: Set<Socket> = new Set();
  answer: Record<string, unknown> = { pid: 4242, agentUuid: '02:42:ac:ff:fe:11:00:02' };
  /** Pids announced since the start or the last `forget()`; all are known while it is null. */
  known: Set<number> = new Set();
  mostSockets = 0;
  /** Bodies of this kind are not read, so that a large one cannot be written to its end. */
  unread: Kind | null = null;
  readonly #handlers: Map<Kind, Handler> = new Map();
  #server: Server = createServer();
  #port = 0;

  async listen(port = 0): Promise<this> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      this.mostSockets = Math.max(this.mostSockets, this.sockets.size);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get port(): number {
    return this.#port;
  }

  /** Replaces the answers of a kind; with undefined they are as usual again. */
  on(kind: Kind, handler?: Handler): void {
    if (handler === undefined) this.#handlers.delete(kind);
    else this.#handlers.set(kind, handler);
  }

  /** What a restart does: no pid is known any more. */
  forget(): void {
    this.known.clear();
  }

  of(kind: Kind): Received[] {
    return this.received.filter((received) => received.kind === kind);
  }

  /** Ids of all spans that were accepted, in order. */
  spans: number[] = [];

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => {});
    if (this.unread === kindOf(request.method ?? '', request.url ?? '')) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    const method = request.method ?? '';
    const text = Buffer.concat(chunks).toString();
    const kind = kindOf(method, path);
    const received = { kind, method, path, headers: request.headers, text, atMs: performance.now() };
    this.received.push(received);
    const handler = this.#handlers.get(kind);
    if (handler !== undefined) handler(response, received, request);
    else this.usual(response, received);
  }

  /** The answer of a healthy agent. */
  usual(response: ServerResponse, received: Received): void {
    const pid = Number(/\.(\d+)(\?|$)/.exec(received.path)?.[1]);
    const isKnown = this.known.has(pid);
    switch (received.kind) {
      case 'lookup':
        return void response.setHeader('Server', 'Instana Agent').end('{"version":"1.1.999"}');
      case 'announce':
        if (typeof this.answer['pid'] === 'number') this.known.add(this.answer['pid']);
        return void response.end(JSON.stringify(this.answer));
      case 'counters':
      case 'other':
        return void response.end();
      case 'response':
        return void response.writeHead(204).end();
    }
    response.statusCode = isKnown ? 200 : 404;
    if (received.kind === 'traces' && isKnown)
      this.spans.push(...(JSON.parse(received.text) as { s: number }[]).map(({ s }) => s));
    response.end(received.kind === 'metrics' && isKnown ? '[]' : '');
  }
}
