// Requests to the storefront of the demo: a few a second, some of them slow, invalid or failing.
import { Agent, request } from 'node:http';

const everyMs = 400;
const maxOpen = 10;

/** One round of requests; the most instructive ones come first. */
const visits: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/orders/1001'],
  ['GET', '/products'],
  ['GET', '/orders/1002'],
  ['POST', '/checkout/1002'],
  ['GET', '/search?q=lamp&api_key=not-for-everyone'],
  ['GET', '/orders/1003'],
  ['GET', '/nowhere'],
  ['GET', '/products'],
  ['GET', '/orders/unknown'],
  ['GET', '/reports/daily'],
];

/** Sends requests until it is stopped, and discards the responses. */
export class DemoTraffic {
  readonly #agent: Agent = new Agent({ keepAlive: true });
  #timer: NodeJS.Timeout | null = null;
  #next = 0;
  #open = 0;

  start(url: string): void {
    this.#visit(url);
    this.#timer = setInterval(() => this.#visit(url), everyMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#agent.destroy();
  }

  #visit(url: string): void {
    const visit = visits[this.#next++ % visits.length];
    if (visit === undefined || this.#open >= maxOpen) return;
    const [method, path] = visit;
    this.#open++;
    const call = request(url + path, { method, agent: this.#agent, timeout: 10_000 }, (response) => response.resume());
    call.once('timeout', () => call.destroy());
    call.once('close', () => this.#open--);
    call.on('error', () => {}); // The service has ended; the demo notices that elsewhere.
    call.end();
  }
}
