// What both sample services of the demo share: they listen, report their port to the demo, and end with it.
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a port that the system chooses and reports it to the demo. The process ends when the demo ends. */
export function serveDemo(listener: RequestListener, framework: string): void {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo; // A TCP server has an address of this shape.
    process.send?.({ demoPort: port, framework });
  });
  process.once('disconnect', () => process.exit());
  // Ctrl-C reaches the whole process group, but the demo itself stops its services in the right order.
  process.on('SIGINT', () => {});
}

/** Loads a package, `null` if it is not installed. */
export function loadFramework(name: string): unknown {
  try {
    return require(name);
  } catch {
    return null;
  }
}

/** The status and JSON body of a GET request. The body is `null` if it is not JSON, as in the error pages of frameworks. */
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

/** Resolves after the time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A response of a sample service. */
export interface DemoResponse {
  readonly status: number;
  readonly body: unknown;
}

/** A route of a sample service, for Express, Koa or `plainListener`. */
export interface DemoRoute {
  readonly method: 'GET' | 'POST';
  /** May end with one parameter. */
  readonly path: string;
  handle(parameter: string): Promise<DemoResponse>;
}

/** Serves the routes without a framework. */
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
