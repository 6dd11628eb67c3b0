// The answer to a request that asks for another protocol: the application writes it to the connection itself.
import type { Duplex } from 'node:stream';
import type { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';

/**
 * Ends the span of an upgrade with the first bytes that are written to its connection, or when that is closed without any. What is
 * put on the connection for that is taken off then.
 */
export class UpgradeResponse {
  readonly #tools: InstrumentationContext;
  readonly #span: SpanRecord;
  readonly #connection: Duplex;
  readonly #closed: () => void;
  #undo: readonly (ReturnType<typeof wrapMethod> | null)[] = [];

  constructor(tools: InstrumentationContext, span: SpanRecord, connection: Duplex) {
    this.#tools = tools;
    this.#span = span;
    this.#connection = connection;
    this.#closed = tools.errors.quietly('upgrade', () => this.#end(0));
    connection.once('close', this.#closed);
    const writing = (original: HostFunction): HostFunction => this.#writing(original);
    this.#undo = [wrapMethod(connection, 'write', writing), wrapMethod(connection, 'end', writing)];
  }

  #writing(original: HostFunction): HostFunction {
    const written = (chunk: unknown): void => {
      try {
        this.#end(statusOf(chunk));
      } catch (error) {
        this.#tools.errors.record('upgrade', error);
      }
    };
    return function write(this: unknown, chunk?: unknown): unknown {
      written(chunk);
      return Reflect.apply(original, this, arguments);
    } as HostFunction;
  }

  #end(status: number): void {
    for (const undo of this.#undo) undo?.();
    this.#undo = [];
    this.#connection.removeListener('close', this.#closed);
    this.#tools.entrySpans.endUpgrade(this.#span, status);
  }
}

/** The status in the first line of an answer; 0 for anything else. */
function statusOf(chunk: unknown): number {
  const head =
    typeof chunk === 'string' ? chunk.slice(0, 16) : chunk instanceof Uint8Array ? latin1(chunk.subarray(0, 16)) : '';
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(head);
  return match === null ? 0 : Number(match[1]);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
