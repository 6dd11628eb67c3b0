// Serves one HTTP request: checks who sent it, finds its route, reads its body, and sends the response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonBody, readJsonBody } from './json-body.js';
import type { RequestCounter } from './request-counter.js';
import type { RequestGuard } from './request-guard.js';
import { failure, type OutgoingResponse, send, sendEarly } from './respond.js';
import { type Endpoint, findRoute, type Services } from './routes.js';

/** A request as an interceptor sees it. */
export interface Exchange {
  /** `null` for requests of people and pages, and for those that are refused. */
  readonly endpoint: Endpoint | null;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** An empty body if none was read. */
  readonly body: JsonBody;
}

/**
 * Runs between a request and its response, for tests. `proceed` handles the request, with its own body or another one, and returns the
 * usual response. The result is sent in its place; `null` means that the interceptor writes the response itself.
 */
export type Interceptor = (
  exchange: Exchange,
  proceed: (body?: JsonBody) => OutgoingResponse | null,
) => OutgoingResponse | null;

/** What the handler works with. */
export interface RequestHandlerDependencies {
  readonly guard: RequestGuard;
  readonly counter: RequestCounter;
  readonly services: Services;
  readonly intercept: Interceptor | undefined;
  /** The port that serves all routes. */
  agentPort(): number;
}

const emptyBody: JsonBody = { accepted: true, bytes: 0, value: undefined };

/** Serves requests on the port of the agent, and on one for OTLP only. */
export class RequestHandler {
  readonly #dependencies: RequestHandlerDependencies;

  constructor(dependencies: RequestHandlerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Serves every route. */
  readonly serveAll = (request: IncomingMessage, response: ServerResponse): void => {
    this.#serve(request, response, false).catch(() => response.destroy());
  };

  /** Serves the routes of OTLP. */
  readonly serveOtlp = (request: IncomingMessage, response: ServerResponse): void => {
    this.#serve(request, response, true).catch(() => response.destroy());
  };

  async #serve(request: IncomingMessage, response: ServerResponse, isOtlpOnly: boolean): Promise<void> {
    response.on('error', () => {}); // The client has gone.
    const { guard, counter, services, agentPort } = this.#dependencies;
    const refusal = guard.refuse(request);
    if (refusal !== null) return this.#refuse(request, response, failure(refusal.status, refusal.error));
    const { path, query } = parseTarget(request.url ?? '');
    const match = findRoute(request, path);
    counter.count(request.method ?? '', match.label ?? path);
    if (isOtlpOnly && !match.isOtlp) {
      const error = `only OTLP is taken on this port; the agent is on port ${agentPort()}`;
      return this.#refuse(request, response, failure(404, error));
    }
    const { route, parameter } = match;
    const body = route?.body === undefined ? emptyBody : await readJsonBody(request, route.body);
    if (body === null) return;
    const content = this.#intercept({ endpoint: route?.endpoint ?? null, request, response, body }, (used) =>
      route === null ? match.failure : route.handle(services, { response, query, parameter, body: used }),
    );
    if (content !== null) {
      if (body.accepted) send(response, content);
      else sendEarly(request, response, content);
    }
    request.resume();
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusal: OutgoingResponse): void {
    const content = this.#intercept({ endpoint: null, request, response, body: emptyBody }, () => refusal);
    if (content !== null) sendEarly(request, response, content);
  }

  #intercept(exchange: Exchange, handle: (body: JsonBody) => OutgoingResponse | null): OutgoingResponse | null {
    const proceed = (body: JsonBody = exchange.body) => handle(body);
    const { intercept } = this.#dependencies;
    return intercept === undefined ? proceed() : intercept(exchange, proceed);
  }
}

function parseTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}
