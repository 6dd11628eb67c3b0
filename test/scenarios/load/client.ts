// A load generator that costs little itself: requests of fixed text on kept connections, answers only counted.
import { connect, type Socket } from 'node:net';

/** What came back. */
export interface LoadResult {
  readonly answered: number;
  /** Answers other than 200. */
  readonly wrong: number;
}

const endOfHead = Buffer.from('\r\n\r\n');

/** Sends requests on several connections at once, each waiting for its answer; rejects when a connection breaks. */
export async function sendLoad(port: number, path: string, requests: number, connections = 32): Promise<LoadResult> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const state = { left: requests, answered: 0, wrong: 0 };
  const lanes = Array.from({ length: Math.min(connections, requests) }, () => lane(port, request, state));
  await Promise.all(lanes);
  return { answered: state.answered, wrong: state.wrong };
}

function lane(port: number, request: string, state: { left: number; answered: number; wrong: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1');
    let buffered: Buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.setTimeout(30_000, () => socket.destroy(new Error('no answer for 30 s')));
    const next = (): void => {
      if (state.left <= 0) {
        socket.destroy();
        resolve();
        return;
      }
      state.left--;
      socket.write(request);
    };
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('the server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      const head = buffered.indexOf(endOfHead);
      if (head < 0) return;
      const text = buffered.toString('latin1', 0, head);
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (buffered.length < head + 4 + length) return;
      state.answered++;
      if (!text.startsWith('HTTP/1.1 200 ')) state.wrong++;
      buffered = buffered.subarray(head + 4 + length);
      next();
    });
  });
}
