// A receiver over HTTP: decompresses every body and counts the spans in it.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { Arrived, Receiver } from './receiver.js';

/** The number of spans of each kind. */
export interface Counts {
  entries: number;
  exits: number;
  others: number;
}

export interface Endpoint {
  /** Path of the requests that carry spans. */
  readonly path: RegExp;
  /** Adds the spans of a body to the counts. */
  count(body: Buffer, counts: Counts): void;
  /** The body of every response. */
  readonly responseBody: string;
}

export async function receiveHttp({ path, count, responseBody }: Endpoint): Promise<Receiver> {
  const counts: Counts = { entries: 0, exits: 0, others: 0 };
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        if (path.test(request.url ?? '') && body.length > 0) count(body, counts);
        response.writeHead(200, {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(responseBody),
        });
        response.end(responseBody);
      },
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a listening TCP server has this form
  return { port, arrived: (): Arrived => ({ ...counts, isKnown: true }) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
  const body = Buffer.concat(chunks);
  if (request.headers['content-encoding'] === 'gzip') return gunzipSync(body);
  if (request.headers['content-encoding'] === 'deflate') return inflateSync(body);
  return body;
}
