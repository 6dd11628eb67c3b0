// The server that host apps call: answers in a few ways and remembers what it was sent.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request as it arrived: names as they were spelled, in order. */
export interface Arrival {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Downstream {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  close(): Promise<void>;
}

/** Starts the server on a free port of 127.0.0.1; with a certificate it speaks TLS. */
export async function startDownstream(tls?: { key: Buffer; cert: Buffer }): Promise<Downstream> {
  const arrivals: Arrival[] = [];
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    let body = '';
    req.setEncoding('utf8');
    req.on('data', (chunk: string) => {
      body += chunk;
    });
    req.on('error', () => {});
    req.on('end', () => arrivals.push({ method: req.method ?? '', url: req.url ?? '', headers: pairs(req), body }));
    answer(req, res);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a listening TCP server has this form
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    arrivals,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The first segment of the path says how to answer. */
function answer(req: IncomingMessage, res: ServerResponse): void {
  const path = (req.url ?? '/').split('?')[0] ?? '/';
  const [, kind = '', detail = ''] = path.split('/');
  if (kind === 'slow') return; // never answered: the caller gives up
  if (kind === 'status') {
    reply(res, Number(detail), `status ${detail}`);
    return;
  }
  if (kind === 'cut') {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 1000 });
    res.write('part');
    setTimeout(() => res.destroy(), 30);
    return;
  }
  if (kind === 'hop') {
    const left = Number(detail);
    const rest = path.split('/').slice(3).join('/');
    const target = left > 1 ? `/hop/${left - 1}/${rest}` : `/ok/${rest}`;
    res.writeHead(302, { Location: target, 'Content-Length': 0 });
    res.end();
    return;
  }
  reply(res, 200, path);
}

function reply(res: ServerResponse, status: number, text: string): void {
  const length = Buffer.byteLength(text);
  res.writeHead(status, status === 204 ? {} : { 'Content-Type': 'text/plain', 'Content-Length': length });
  res.end(status === 204 ? undefined : text);
}

function pairs(req: IncomingMessage): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    found.push([req.rawHeaders[at] ?? '', req.rawHeaders[at + 1] ?? '']);
  }
  return found;
}
