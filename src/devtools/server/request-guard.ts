// Decides which requests the local agent listens to at all: no DNS rebinding, nothing from pages of other sites.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Why a request is not served. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** Names by which containers reach the machine they run on. */
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

  /** `host` is the address listened on. */
  constructor(host: string) {
    const own = isIP(host) === 6 ? `[${host}]` : host;
    this.#servesNetwork = !isLoopback(host);
    this.#names = new Set([...loopbackNames, own.toLowerCase()]);
    if (this.#servesNetwork) for (const name of [...containerNames, hostname().toLowerCase()]) this.#names.add(name);
  }

  /** `null` when the request may be served. */
  refuse(request: IncomingMessage): Refusal | null {
    if (!this.#isForUs(request)) return { status: 403, error: 'this Host is not served here' };
    const target = request.url ?? '';
    if (!target.startsWith('/')) return { status: 400, error: 'the request target must be a path' };
    if (comesFromAnotherSite(request)) return { status: 403, error: 'requests of other sites are not served' };
    return null;
  }

  #isForUs(request: IncomingMessage): boolean {
    // Node.js keeps the first of several Host headers and says nothing.
    const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
    const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1]?.toLowerCase();
    if (hosts.length !== 1 || name === undefined) return false;
    if (this.#names.has(name)) return true;
    // A rebinding page is reached by its name, so an address as such is safe where the network is served.
    return this.#servesNetwork && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  }
}

function comesFromAnotherSite(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin !== undefined) return origin.toLowerCase() !== `http://${host}`.toLowerCase();
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // A link on another page may open ours; nothing else of that page may reach us.
  const opensPage = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  return !(opensPage && request.headers['sec-fetch-dest'] === 'document');
}
