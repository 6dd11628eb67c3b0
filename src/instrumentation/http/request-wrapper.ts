// For servers without automatic support: a wrapper for a `(req, res)` listener, and a Connect-style middleware.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';
import { serverTiming } from './server-timing.js';

type Listener<This, Request, Response, Result> = (this: This, request: Request, response: Response) => Result;
type Next = (error?: unknown) => void;

/** Makes entry spans where the server itself is not traced; where it is, there is no second one. */
export class RequestWrapper {
  readonly #tools: InstrumentationContext;
  readonly #watched: PrivateField<true> = makePrivateField();
  readonly #withTiming: (original: HostFunction) => HostFunction;

  constructor(tools: InstrumentationContext) {
    this.#tools = tools;
    this.#withTiming = serverTiming(tools);
  }

  /** Keeps `this` and the result of `listener`. */
  wrapListener<This, Request extends IncomingMessage, Response extends ServerResponse, Result>(
    listener: Listener<This, Request, Response, Result>,
  ): Listener<This, Request, Response, Result> {
    const run = this.#run.bind(this);
    return function (this: This, request: Request, response: Response): Result {
      return run(request, response, listener as (...args: never[]) => unknown, this, [request, response]) as Result; // what it returns
    };
  }

  /** Calls `next` inside the span. */
  middleware(): (request: IncomingMessage, response: ServerResponse, next: Next) => void {
    return (request, response, next) => {
      this.#run(request, response, next as (...args: never[]) => unknown, undefined, []);
    };
  }

  #run(
    request: IncomingMessage,
    response: ServerResponse,
    fn: (...args: never[]) => unknown,
    self: unknown,
    args: unknown[],
  ): unknown {
    const { entrySpans, activeSpan, errors } = this.#tools;
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      span = entrySpans.begin(request, response);
      if (span instanceof SpanRecord) this.#watch(response);
    } catch (error) {
      errors.record('wrapped listener', error);
    }
    if (span === null) return Reflect.apply(fn, self, args as never[]);
    return activeSpan.apply(span, fn, self, args);
  }

  /** The response may not be one of Node.js' own, whose events are seen without a listener. */
  #watch(response: ServerResponse): void {
    if (this.#watched.get(response) === true) return;
    this.#watched.set(response, true);
    const { entrySpans, errors } = this.#tools;
    wrapMethod(response, 'writeHead', this.#withTiming); // does nothing where all responses have it
    response.once(
      'finish',
      errors.quietly('wrapped listener', () => entrySpans.end(response, false)),
    );
    response.once(
      'close',
      errors.quietly('wrapped listener', () => entrySpans.end(response, true)),
    );
  }
}
