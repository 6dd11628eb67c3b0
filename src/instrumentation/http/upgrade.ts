// The response to an upgrade request, which the application itself writes to the connection.
import type { Duplex } from 'node:stream';
import type { SpanRecord } from '../../spans/span.js';
import type { InstrumentationContext } from '../instrumentation.js';
import { type HostFunction, wrapMethod } from '../wrap-method.js';

/**
 * Ends the span of an upgrade request with the first bytes that are written to its connection, or when the connection is closed
 * without any. Then removes everything that it has added to the connection.
 */
export class UpgradeResponse {
  readonly #context: InstrumentationContext;
  readonly #span: SpanRecord;
  readonly #connection: Duplex;
  readonly #onClose: () => void;
  #undo: readonly (ReturnType<typeof wrapMethod> | null)[] = [];

  constructor(context: InstrumentationContext, span: SpanRecord, connection: Duplex) {
    this.#context = context;
    this.#span = span;
    this.#connection = connection;
    this.#onClose = context.errors.quietly('upgrade', () => this.#end(0));
    connection.once('close', this.#onClose);
    const observeWrite = (original: HostFunction): HostFunction => this.#observeWrite(original);
    this.#undo = [wrapMethod(connection, 'write', observeWrite), wrapMethod(connection, 'end', observeWrite)];
  }

  #observeWrite(original: HostFunction): HostFunction {
    const onWrite = (chunk: unknown): void => {
      try {
        this.#end(statusOf(chunk));
      } catch (error) {
        this.#context.errors.record('upgrade', error);
      }
    };
    return function write(this: unknown, chunk?: unknown): unknown {
      onWrite(chunk);
      return Reflect.apply(original, this, arguments);
    } as HostFunction;
  }

  #end(status: number): void {
    for (const undo of this.#undo) undo?.();
    this.#undo = [];
    this.#connection.removeListener('close', this.#onClose);
    this.#context.entrySpans.endUpgrade(this.#span, status);
  }
}

/** The status in the first line of a response; 0 for anything else. */
function statusOf(chunk: unknown): number {
  const start =
    typeof chunk === 'string' ? chunk.slice(0, 16) : chunk instanceof Uint8Array ? latin1(chunk.subarray(0, 16)) : '';
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(start);
  return match === null ? 0 : Number(match[1]);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
