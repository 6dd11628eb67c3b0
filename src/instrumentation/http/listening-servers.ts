// The HTTP servers that are listening, as the metrics payload names them.

export interface ListeningServer {
  readonly type: 'http' | 'https';
  readonly address: { readonly address: string; readonly family: string; readonly port: number };
}

/** Filled by the server instrumentation, read by the meter. Holds addresses, not servers. */
export class ListeningServers {
  readonly #servers: Map<string, ListeningServer> = new Map();
  readonly #keys: WeakMap<object, string> = new WeakMap();

  /** A server has started to listen. `address` is the result of `server.address()`. */
  listening(server: object, type: 'http' | 'https', address: unknown): void {
    if (typeof address !== 'object' || address === null) return; // a pipe or a Unix socket
    const { address: host, family, port } = address as { address?: unknown; family?: unknown; port?: unknown };
    if (typeof host !== 'string' || typeof port !== 'number') return;
    // Address and port without a colon, as the back end expects them.
    const key = `${host}${port}`;
    this.#keys.set(server, key);
    this.#servers.set(key, { type, address: { address: host, family: String(family), port } });
  }

  /** A server has stopped listening. */
  closed(server: object): void {
    const key = this.#keys.get(server);
    if (key !== undefined) this.#servers.delete(key);
  }

  /** The servers by their keys in the payload. */
  all(): Record<string, ListeningServer> {
    return Object.fromEntries(this.#servers);
  }
}
