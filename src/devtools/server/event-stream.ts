// Tells open pages what has arrived, as server-sent events, at a pace that a page can take.
import type { ServerResponse } from 'node:http';
import { guardHeaders } from './respond.js';

const maximumClients = 32;
const maximumWaitingBytes = 1024 * 1024;
const maximumPending = 200;
const flushMs = 250;
const heartbeatMs = 15_000;

/** Sends events to every client; one that does not read is let go. */
export class EventStream {
  readonly #clients: Set<ServerResponse> = new Set();
  /** Kept by name and key, so that a trace which grows is told once per round, in its latest state. */
  readonly #pending: Map<string, { name: string; describe: () => unknown }> = new Map();
  #flushTimer: NodeJS.Timeout | null = null;
  #heartbeat: NodeJS.Timeout | null = null;

  /** Makes the response a stream of events; false when there are too many already. */
  attach(response: ServerResponse): boolean {
    if (this.#clients.size >= maximumClients) return false;
    response.writeHead(200, { ...guardHeaders, 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 2000\n\n');
    this.#clients.add(response);
    response.once('close', () => this.#detach(response));
    this.#heartbeat ??= setInterval(() => this.#write(': still here\n\n'), heartbeatMs).unref();
    return true;
  }

  /** Sends an event soon; `describe` is called when it is sent. A later one of the same name and key replaces it. */
  tell(name: string, key: string | number, describe: () => unknown): void {
    if (this.#clients.size === 0) return;
    const id = `${name} ${key}`;
    if (this.#pending.size >= maximumPending && !this.#pending.has(id)) {
      const [oldest] = this.#pending.keys();
      if (oldest !== undefined) this.#pending.delete(oldest);
    }
    this.#pending.set(id, { name, describe });
    this.#flushTimer ??= setTimeout(() => this.#flush(), flushMs).unref();
  }

  close(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    for (const client of this.#clients) client.end();
    this.#clients.clear();
    this.#pending.clear();
  }

  #flush(): void {
    this.#flushTimer = null;
    const events = [...this.#pending.values()].map(
      ({ name, describe }) => `event: ${name}\ndata: ${JSON.stringify(describe())}\n\n`,
    );
    this.#pending.clear();
    this.#write(events.join(''));
  }

  #write(text: string): void {
    for (const client of this.#clients) {
      if (client.writableLength > maximumWaitingBytes) client.destroy();
      else client.write(text);
    }
  }

  #detach(client: ServerResponse): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0 || this.#heartbeat === null) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = null;
  }
}
