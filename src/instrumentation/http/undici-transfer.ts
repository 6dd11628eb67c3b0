// How far a request of undici is: its socket, and whether the application reads the response.
import type { Transfer } from '../../spans/span.js';
import { hasReader } from './transfer-progress.js';

/** The objects inside undici that lead to the body of a response. They are internal, and any of them may be missing. */
interface Handler {
  /** The body that `request()` returns, or the target of `stream()`. */
  readonly res?: unknown;
  /** The body of `fetch()`, before it is decompressed. */
  readonly body?: unknown;
}

interface Stream {
  readonly write?: unknown;
  readonly _readableState?: { readonly pipes?: unknown };
}

/** Reads undici's own objects. Nothing is recorded while the request runs except for its socket. */
export class UndiciTransfer implements Transfer {
  readonly #request: object;
  socket: object | null = null;

  constructor(request: object) {
    this.#request = request;
  }

  /** True for a response whose body is not found: a long call that is reported late is better than one that appears as short. */
  get hasReader(): boolean {
    const handler = handlerOf(this.#request);
    if (isObject(handler?.res)) return typeof handler.res.write === 'function' || hasReader(handler.res);
    const body = handler?.body;
    return !isObject(body) || typeof body._readableState !== 'object' || hasReader(decoded(body));
  }
}

function handlerOf(request: object): Handler | undefined {
  const symbol = Object.getOwnPropertySymbols(request).find(({ description }) => description === 'handler');
  const handler: unknown = symbol === undefined ? undefined : Reflect.get(request, symbol);
  return isObject(handler) ? (handler as Handler) : undefined;
}

function isObject(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null;
}

/** The last stream of the decoders that `fetch()` has attached to a compressed body. They read it even if nobody else does. */
function decoded(body: Stream): Stream {
  const pipes = body._readableState?.pipes;
  const next: unknown = Array.isArray(pipes) && pipes.length === 1 ? pipes[0] : undefined;
  return isObject(next) ? decoded(next) : body;
}
