// Listens for HTTP on loopback in both address families, or on one address, and disconnects slow and malformed clients.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from './request-guard.js';
import { guardHeaders } from './respond.js';

/** A port that is listened on. */
export interface HttpListener {
  readonly port: number;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

const attemptsForAnyPort = 5;
const maxConnections = 2000;

/** Listens on the port; 0 lets the system choose. Rejects with the system's error if that fails. */
export async function listen(
  host: string,
  port: number,
  serve: RequestListener,
  holdsProcess: boolean,
): Promise<HttpListener> {
  for (let attempt = 1; ; attempt++) {
    const first = await listenOn(host, port, serve, holdsProcess);
    const { port: chosen } = first.address() as AddressInfo; // The address of a TCP server has this type.
    if (!isLoopback(host) || host === '::1') return listenerOf(chosen, [first]);
    try {
      return listenerOf(chosen, [first, await listenOn('::1', chosen, serve, holdsProcess)]);
    } catch (error) {
      // Without IPv6 one family is enough. If another server has the IPv6 port, requests to `localhost` would reach it instead.
      if (!isTaken(error)) return listenerOf(chosen, [first]);
      await closeServer(first);
      if (port !== 0 || attempt === attemptsForAnyPort) throw error;
    }
  }
}

function listenerOf(port: number, servers: readonly Server[]): HttpListener {
  return {
    port,
    close: async () => {
      await Promise.all(servers.map(closeServer));
    },
  };
}

function listenOn(host: string, port: number, serve: RequestListener, holdsProcess: boolean): Promise<Server> {
  const server = createServer(
    { connectionsCheckingInterval: 1000, headersTimeout: 8000, requestTimeout: 12_000, keepAliveTimeout: 60_000 },
    serve,
  );
  server.maxConnections = maxConnections;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\n${rawGuardHeaders()}Connection: close\r\n\r\n`);
  });
  if (!holdsProcess) server.on('connection', (socket) => socket.unref());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => {}); // A failed accept() must end that connection only, not the agent.
      if (!holdsProcess) server.unref();
      resolve(server);
    });
  });
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function rawGuardHeaders(): string {
  return Object.entries(guardHeaders)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
