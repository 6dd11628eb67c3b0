// Keeps requests to a test agent whole, so that tests can assert on what a sensor sent.
import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../../../src/devtools/server/request-handler.js';

/** A request as it arrived, regardless of its response. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; `undefined` if there was none or it was invalid. */
  readonly body: unknown;
  readonly bodyBytes: number;
  readonly timeMs: number;
}

/** Records without a bound. */
export class RequestRecorder {
  #requests: RecordedRequest[] = [];

  /** Adds a request. */
  record({ request, body }: Exchange): void {
    const { method = '', url: path = '', headers } = request;
    const [value, bodyBytes] = body.accepted ? [body.value, body.bytes] : [undefined, 0];
    this.#requests.push({ method, path, headers, body: value, bodyBytes, timeMs: Date.now() });
  }

  /** The requests in the order of arrival, optionally those with this method and beginning of the path. */
  requests(method?: string, pathPrefix?: string): RecordedRequest[] {
    return this.#requests.filter(
      (request) =>
        (method === undefined || request.method === method) &&
        (pathPrefix === undefined || request.path.startsWith(pathPrefix)),
    );
  }

  /** Removes all requests. */
  clear(): void {
    this.#requests = [];
  }
}
