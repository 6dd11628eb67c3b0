// How much of a response has reached the system by the time its connection ends.
import type { ServerResponse } from 'node:http';

/**
 * Whether the client had received the whole response when its connection ended. A client that hangs up after the last byte can be
 * faster than the callback of the last write, or than the `end()` of an application that streams a file of known length.
 * `bytesBefore` is what had been dispatched on the connection when the request arrived.
 */
export function isDelivered(response: ServerResponse, bytesBefore: number): boolean {
  // `_header` and `_contentLength` are internal to Node.js. Without them the response counts as aborted.
  const {
    errored,
    _header: head,
    _contentLength: length,
  } = response as {
    errored?: unknown;
    _header?: unknown;
    _contentLength?: unknown;
  };
  const socket = response.socket as { errored?: unknown; bytesWritten?: number } | null;
  if ((errored ?? null) !== null || (socket?.errored ?? null) !== null) return false;
  if (response.writableEnded) return true;
  const written = (socket?.bytesWritten ?? 0) - bytesBefore;
  return typeof head === 'string' && typeof length === 'number' && written >= head.length + length;
}

/** The bytes that Node.js has passed to the system. `bytesWritten` would also count waiting bytes, and make a list of them. */
export function bytesDispatched(socket: unknown): number {
  const { _bytesDispatched: bytes } = (socket ?? {}) as { _bytesDispatched?: unknown };
  return typeof bytes === 'number' ? bytes : Number.NaN; // responses then count as aborted
}
