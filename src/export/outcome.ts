// The outcome of a request to a receiver.
import type { HttpConnection } from '../transport/http-connection.js';
import type { Address, HttpRequest, HttpResponse } from '../transport/message.js';

/** Not delivered, to be sent again. */
export type Failure =
  /** Not before `retryAfterMs`, if the receiver says so. */
  | { readonly kind: 'retry'; readonly status: number; readonly retryAfterMs: number | null }
  /** The receiver does not know this process, or this path. */
  | { readonly kind: 'not-found'; readonly status: number }
  /** No response. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Accepted, refused, or to be sent again. */
export type Outcome =
  | { readonly kind: 'accepted' }
  /** Accepted without `rejected` of its data; with 0 the message is only advice. Not to be sent again. */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  /** Not to be sent again. */
  | { readonly kind: 'refused'; readonly status: number }
  /** To be sent again in smaller parts. */
  | { readonly kind: 'too-large'; readonly status: number }
  | Failure;

/** Why a request did not succeed, for a log. */
export function reasonOf(outcome: Exclude<Outcome, { kind: 'accepted' | 'partial' }>): string {
  return outcome.kind === 'unreachable' ? outcome.reason : `status ${outcome.status}`;
}

/** Sends a request and reads its response. Never rejects. */
export async function sendRequest<Result>(
  connection: Pick<HttpConnection, 'send'>,
  address: Address,
  request: HttpRequest,
  read: (response: HttpResponse) => Result,
): Promise<Result | Extract<Failure, { kind: 'unreachable' }>> {
  try {
    return read(await connection.send(address, request));
  } catch (error) {
    return { kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) };
  }
}
