// What both sample services of the demo need: to listen, to tell the demo where, and to end with it.
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a port of the system's choice and tells the demo; the process ends when the demo does. */
export function serveDemo(listener: RequestListener, framework: string): void {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo; // A TCP server has an address of this shape.
    process.send?.({ demoPort: port, framework });
  });
  process.once('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group; the demo ends its services in its own order.
  process.on('SIGINT', () => {});
}

/** A package that may be absent where this one is installed; `null` then. */
export function loadFramework(name: string): unknown {
  try {
    return require(name);
  } catch {
    return null;
  }
}

/** The status and the JSON of a GET request; frameworks answer errors with text, which counts as `null`. */
export function getJson(url: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    get(url, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body: readJson(Buffer.concat(chunks).toString('utf8')) });
      });
    }).once('error', reject);
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An answer of a sample service. */
export interface DemoAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A route of a sample service, told to Express, to Koa, or to nobody but `plainListener`. */
export interface DemoRoute {
  readonly method: 'GET' | 'POST';
  /** With at most one parameter, at the end. */
  readonly path: string;
  handle(parameter: string): Promise<DemoAnswer>;
}

/** Serves the routes without any framework. */
export function plainListener(routes: readonly DemoRoute[]): RequestListener {
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const end = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    for (const route of routes) {
      const [fixed = '', parameter] = route.path.split('/:');
      const isMatch = parameter === undefined ? path === fixed : path.startsWith(`${fixed}/`);
      if (!isMatch || route.method !== request.method) continue;
      route.handle(path.slice(fixed.length + 1)).then(
        ({ status, body }) => end(status, body),
        (error: unknown) => end(500, { error: String(error) }),
      );
      return;
    }
    end(404, { error: 'not found' });
  };
}
