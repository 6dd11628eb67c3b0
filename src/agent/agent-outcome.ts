// Requests to the agent, and the meaning of its responses.
import { type Failure, type Outcome, sendRequest } from '../export/outcome.js';
import type { HttpConnection } from '../transport/http-connection.js';
import { type Address, type HttpRequest, type HttpResponse, isSuccess, parseRetryAfter } from '../transport/message.js';

/** The outcome of a request to the agent, with the response if the agent accepted it. */
export type AgentOutcome =
  | ({ readonly kind: 'accepted' } & HttpResponse)
  | Extract<Outcome, { kind: 'too-large' }>
  | Failure;

/** Sends a request to the agent, or to an address where one may be. Never rejects. */
export function askAgent(
  connection: Pick<HttpConnection, 'send'>,
  address: Address,
  request: HttpRequest,
): Promise<AgentOutcome> {
  return sendRequest(connection, address, request, readOutcome);
}

/** The status decides: a response that breaks off after it is no reason to send the data twice. */
function readOutcome(response: HttpResponse): AgentOutcome {
  const { status, retryAfter } = response;
  if (isSuccess(status)) return { kind: 'accepted', ...response };
  if (status === 404) return { kind: 'not-found', status };
  if (status === 413) return { kind: 'too-large', status };
  return { kind: 'retry', status, retryAfterMs: parseRetryAfter(retryAfter) };
}
