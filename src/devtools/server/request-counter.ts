// Counts requests by method and path, for `GET /api/stats`.

const maxCounters = 500;
const maxPathLength = 200;

/** Counters under `METHOD path`; with too many different paths, the rest is counted under `other`. */
export class RequestCounter {
  readonly #counts: Map<string, number> = new Map();

  /** Counts one request. */
  count(method: string, path: string): void {
    const name = `${method} ${path.slice(0, maxPathLength)}`;
    const key = this.#counts.has(name) || this.#counts.size < maxCounters ? name : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** All counters by name. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
