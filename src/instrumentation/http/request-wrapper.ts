// Entry spans for servers without automatic support: a wrapper for a `(req, res)` listener, and a Connect-style middleware.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';
import { serverTiming } from './server-timing.js';

type Listener<This, Request, Response, Result> = (this: This, request: Request, response: Response) => Result;
type Next = (error?: unknown) => void;

/** Makes entry spans. A request that already has one, because its server is traced, gets no second one. */
export class RequestWrapper {
  readonly #context: InstrumentationContext;
  readonly #observed: PrivateField<true> = makePrivateField();
  readonly #withTiming: (original: HostFunction) => HostFunction;

  constructor(context: InstrumentationContext) {
    this.#context = context;
    this.#withTiming = serverTiming(context);
  }

  /** Returns a listener that calls `listener` inside the span, with the same `this`, and returns its result. */
  wrapListener<This, Request extends IncomingMessage, Response extends ServerResponse, Result>(
    listener: Listener<This, Request, Response, Result>,
  ): Listener<This, Request, Response, Result> {
    const run = this.#run.bind(this);
    return function (this: This, request: Request, response: Response): Result {
      return run(request, response, listener as (...args: never[]) => unknown, this, [request, response]) as Result; // the result of `listener`
    };
  }

  /** Returns a middleware that calls `next` inside the span. */
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
    const { entrySpans, activeSpan, errors } = this.#context;
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      span = entrySpans.begin(request, response);
      if (span instanceof SpanRecord) this.#observe(response);
    } catch (error) {
      errors.record('wrapped listener', error);
    }
    if (span === null) return Reflect.apply(fn, self, args as never[]);
    return activeSpan.apply(span, fn, self, args);
  }

  /** Adds listeners, because the response may not be one of Node.js, whose `emit` is patched. */
  #observe(response: ServerResponse): void {
    if (this.#observed.get(response) === true) return;
    this.#observed.set(response, true);
    const { entrySpans, errors } = this.#context;
    wrapMethod(response, 'writeHead', this.#withTiming); // no effect if the prototype of all responses is patched
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
