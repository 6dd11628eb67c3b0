// The neighbour that twin applications call: answers the same to both, and leaves out of its answers what the sensor adds.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Downstream {
  readonly url: string;
  close(): void;
}

/** Starts it on a free port of loopback. */
export async function startDownstream(): Promise<Downstream> {
  const server: Server = createServer((req, res) => {
    const [, kind = '', detail = ''] = (req.url ?? '').split(/[/?]/);
    req.resume();
    if (kind === 'hang') return;
    if (kind === 'cut') {
      res.writeHead(200, { 'Content-Length': '100' });
      res.write('part');
      setTimeout(() => res.destroy(), 20);
      return;
    }
    if (kind === 'status') res.statusCode = Number(detail);
    const seen = req.rawHeaders.map((text) => text.replace(/^127\.0\.0\.1:\d+$/, 'host'));
    const host = seen.filter(
      (_, index) => !/^(x-instana-|trace(parent|state)$)/i.test(seen[index - (index % 2)] ?? ''),
    );
    res.end(kind === 'seen' ? JSON.stringify(host) : 'ok');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has this form
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
