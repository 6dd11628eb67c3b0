// Refuses requests that may come from a malicious page: DNS rebinding and requests of other sites.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Status and error of a refused request. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** Names under which containers reach the machine that they run on. */
const containerNames: readonly string[] = [
  'host.docker.internal',
  'gateway.docker.internal',
  'host.containers.internal',
];

/** Whether an address reaches this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Checks `Host`, `Origin` and the fetch metadata of each request. */
export class RequestGuard {
  readonly #names: Set<string>;
  readonly #servesNetwork: boolean;

  /** `host` is the address that the agent listens on. */
  constructor(host: string) {
    const ownName = isIP(host) === 6 ? `[${host}]` : host;
    this.#servesNetwork = !isLoopback(host);
    this.#names = new Set([...loopbackNames, ownName.toLowerCase()]);
    if (this.#servesNetwork) for (const name of [...containerNames, hostname().toLowerCase()]) this.#names.add(name);
  }

  /** `null` if the request may be served. */
  refuse(request: IncomingMessage): Refusal | null {
    if (!this.#hasServedHost(request)) return { status: 403, error: 'this Host is not served here' };
    const target = request.url ?? '';
    if (!target.startsWith('/')) return { status: 400, error: 'the request target must be a path' };
    if (comesFromAnotherSite(request)) return { status: 403, error: 'requests of other sites are not served' };
    return null;
  }

  #hasServedHost(request: IncomingMessage): boolean {
    // Node.js silently keeps the first of several Host headers, so count them in the raw headers.
    const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
    const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1]?.toLowerCase();
    if (hosts.length !== 1 || name === undefined) return false;
    if (this.#names.has(name)) return true;
    // DNS rebinding needs a host name, so any IP address is safe if the agent serves the network.
    return this.#servesNetwork && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  }
}

function comesFromAnotherSite(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin !== undefined) return origin.toLowerCase() !== `http://${host}`.toLowerCase();
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // A link on another site may open a page of the agent; no other request of that site is served.
  const opensPage = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  return !(opensPage && request.headers['sec-fetch-dest'] === 'document');
}
