// Whether a request in progress moves: who reads its response, and how many bytes its connection has carried.
import { bytesDispatched } from './response-delivery.js';

/** The members of a readable stream that are used. Streams of other implementations may lack any of them. */
interface Readable {
  readonly readableFlowing?: unknown;
  readonly readableDidRead?: unknown;
  listenerCount?(event: string): number;
}

/** Whether the application has begun to read a stream, or waits for its first bytes. One that is only paused has no reader. */
export function hasReader(stream: object): boolean {
  const { readableFlowing, readableDidRead } = stream as Readable;
  if (readableFlowing === true || readableDidRead === true) return true;
  return listens(stream, 'data') || listens(stream, 'readable');
}

function listens(stream: Readable, event: string): boolean {
  return typeof stream.listenerCount === 'function' && stream.listenerCount(event) > 0;
}

/** The bytes that a socket has read and written since it was opened. NaN without a socket, and for one that does not count. */
export function bytesTransferred(socket: object | null | undefined): number {
  const { bytesRead } = (socket ?? {}) as { bytesRead?: unknown };
  return typeof bytesRead === 'number' ? bytesRead + bytesDispatched(socket) : Number.NaN;
}
