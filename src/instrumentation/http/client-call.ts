// The state of an outgoing request of Node.js' own clients, kept on the request and on its response.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ActiveSpan, ActiveState } from '../../spans/active-span.js';
import type { SpanRecord, Transfer } from '../../spans/span.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { hasReader } from './transfer-progress.js';

/** An outgoing request, traced or not. */
export class ClientCall implements Transfer {
  /** Null for a request that is not traced. */
  readonly span: SpanRecord | null;
  /** What was active where the request was made. */
  readonly active: ActiveState;
  readonly #request: ClientRequest;
  response: IncomingMessage | null = null;
  destroyedByApplication = false;

  constructor(span: SpanRecord | null, active: ActiveState, request: ClientRequest) {
    this.span = span;
    this.active = active;
    this.#request = request;
  }

  get socket(): object | null {
    return this.#request.socket;
  }

  get hasReader(): boolean {
    return this.response !== null && hasReader(this.response);
  }
}

/** By the request, and by its response once the head has arrived. */
export const clientCalls: PrivateField<ClientCall> = makePrivateField();

/** Events that Node.js emits, some of them in the context of the connection, which belongs to the request that opened it. */
const nodeEvents: ReadonlySet<unknown> = new Set([
  'abort',
  'aborted',
  'close',
  'connect',
  'continue',
  'data',
  'drain',
  'end',
  'error',
  'finish',
  'information',
  'prefinish',
  'readable',
  'response',
  'socket',
  'timeout',
  'upgrade',
]);

/** Whether listeners for this event have to be called in the context of `call`, because another one is active. */
export function isOutsideCall(
  call: ClientCall,
  emitter: ClientRequest | IncomingMessage,
  event: unknown,
  activeSpan: ActiveSpan,
): boolean {
  return call.active !== activeSpan.state() && nodeEvents.has(event) && emitter.listenerCount(event as string) > 0; // in the set
}
