// Sends server-sent events to open pages, at a rate that a page can handle.
import type { ServerResponse } from 'node:http';
import { guardHeaders } from './respond.js';

const maxClients = 32;
const maxWaitingBytes = 1024 * 1024;
const maxPending = 200;
const flushMs = 250;
const heartbeatMs = 15_000;

/** Sends events to every client, and disconnects a client that does not read. */
export class EventStream {
  readonly #clients: Set<ServerResponse> = new Set();
  /** By name and key, so that a growing trace is sent once per flush, in its latest state. */
  readonly #pending: Map<string, { name: string; describe: () => unknown }> = new Map();
  #flushTimer: NodeJS.Timeout | null = null;
  #heartbeat: NodeJS.Timeout | null = null;

  /** Turns the response into an event stream; false if there are too many streams already. */
  attach(response: ServerResponse): boolean {
    if (this.#clients.size >= maxClients) return false;
    response.writeHead(200, { ...guardHeaders, 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 2000\n\n');
    this.#clients.add(response);
    response.once('close', () => this.#detach(response));
    this.#heartbeat ??= setInterval(() => this.#write(': still here\n\n'), heartbeatMs).unref();
    return true;
  }

  /** Sends an event with the next flush, which calls `describe`. A later event with the same name and key replaces it. */
  publish(name: string, key: string | number, describe: () => unknown): void {
    if (this.#clients.size === 0) return;
    const id = `${name} ${key}`;
    if (this.#pending.size >= maxPending && !this.#pending.has(id)) {
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
      if (client.writableLength > maxWaitingBytes) client.destroy();
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
