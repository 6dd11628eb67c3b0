// The trace headers of undici's requests. They are added when a request is made, and removed again if another tool adds its own.
import type { CircuitBreaker } from '../../core/internal-errors.js';
import { headerFamily, headersToAdd } from '../../propagation/trace-headers.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { type HostFunction, type Undo, wrapMethod } from '../wrap-method.js';
import type { HttpExitSpans, OutgoingHeaders } from './exit-spans.js';
import { inPairs, mergeTraceHeaders, type Pair } from './outgoing-headers.js';

/** The members of undici's request object that are used. Each is checked first, because they differ by version. */
export interface UndiciRequest {
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly method?: unknown;
  headers?: unknown;
  /** The protocol that a WebSocket asks for; otherwise null or absent. */
  readonly upgrade?: unknown;
  addHeader?(name: string, value: string): unknown;
}

/**
 * Adds trace headers to requests. undici sends a header twice if it is added twice, and other tools add their trace headers without
 * looking for ours. Those that subscribe before the sensor are found on the request. Those that subscribe after it are noticed in
 * `addHeader`, which is replaced on the prototype of the requests of each copy of undici.
 */
export class UndiciHeaders {
  readonly #exitSpans: HttpExitSpans;
  readonly #breaker: CircuitBreaker;
  readonly #onUndo: (undo: Undo) => void;
  readonly #addedTo: PrivateField<readonly string[]> = makePrivateField();
  readonly #covered: WeakSet<object> = new WeakSet();
  #latestPrototype: object | null = null;

  /** `onUndo` is called with the undo of each replaced method. */
  constructor(exitSpans: HttpExitSpans, breaker: CircuitBreaker, onUndo: (undo: Undo) => void) {
    this.#exitSpans = exitSpans;
    this.#breaker = breaker;
    this.#onUndo = onUndo;
  }

  add(request: UndiciRequest, headers: OutgoingHeaders): void {
    if (headers === null) return;
    this.#cover(request);
    const added = this.#replace(request, headers);
    for (let index = 0; index + 1 < added.length; index += 2) {
      request.addHeader?.(added[index] as string, added[index + 1] as string); // inside the bounds
    }
    this.#addedTo.set(request, added);
  }

  /** Removes the headers that `added` replaces from undici's own copy, and returns those of `added` that may be added. */
  #replace(request: UndiciRequest, added: readonly string[]): readonly string[] {
    const present = inPairs(flatList(request.headers));
    const merged = mergeTraceHeaders(present, added, this.#exitSpans, request);
    if (merged.application !== present) setHeaders(request, merged.application);
    return merged.added;
  }

  #cover(request: UndiciRequest): void {
    const prototype = Object.getPrototypeOf(request) as object | null;
    if (prototype === this.#latestPrototype || prototype === null) return;
    this.#latestPrototype = prototype;
    if (this.#covered.has(prototype)) return;
    this.#covered.add(prototype);
    const undo = wrapMethod(prototype, 'addHeader', (original) => this.#noticing(original));
    if (undo !== null) this.#onUndo(undo);
  }

  #noticing(original: HostFunction): HostFunction {
    const breaker = this.#breaker;
    const giveWay = (request: unknown, name: unknown): void => this.#giveWay(request as UndiciRequest, name);
    function addHeader(this: unknown, name?: unknown): unknown {
      try {
        if (!breaker.isOpen) giveWay(this, name);
      } catch (error) {
        breaker.record(error);
      }
      return Reflect.apply(original, this, arguments);
    }
    return addHeader;
  }

  /** Removes our headers that another tool's header `name` contradicts. Our own are not on record yet while they are added. */
  #giveWay(request: UndiciRequest, name: unknown): void {
    const added = this.#addedTo.get(request);
    if (added === undefined || typeof name !== 'string') return;
    const family = headerFamily(name);
    if (family === 0) return;
    const kept = headersToAdd(added, family);
    if (kept.length === added.length) return;
    this.#addedTo.set(request, kept);
    const present = inPairs(flatList(request.headers));
    setHeaders(
      request,
      present.filter((pair) => !contains(added, pair) || contains(kept, pair)),
    );
  }
}

/** Whether a flat list has a header of this name and value. */
function contains(flat: readonly string[], [name, value]: Pair): boolean {
  for (let index = 0; index + 1 < flat.length; index += 2)
    if (flat[index] === name && flat[index + 1] === value) return true;
  return false;
}

function setHeaders(request: UndiciRequest, pairs: readonly Pair[]): void {
  const { headers } = request;
  if (Array.isArray(headers)) headers.splice(0, headers.length, ...pairs.flat());
  else request.headers = pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

/** Headers as a flat list. By version of undici they are a text of lines or a list of names and values, as texts or bytes. */
export function flatList(headers: unknown): unknown[] {
  if (Array.isArray(headers)) return headers.map((one) => (Array.isArray(one) ? one.map(String) : String(one)));
  if (typeof headers !== 'string') return [];
  return headers.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}
