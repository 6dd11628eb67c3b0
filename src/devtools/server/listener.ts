// Listens for HTTP: on loopback in both address families, or on one address; slow and wrong clients are cut off.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from './request-guard.js';
import { guardHeaders } from './respond.js';

/** What is listened on. */
export interface Door {
  readonly port: number;
  /** Closes connections that wait for their next request. */
  dropIdleConnections(): void;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

const attemptsForAnyPort = 5;
const maximumConnections = 2000;

/** Listens on the port, 0 for any. Rejects with the system's error when that is not possible. */
export async function openDoor(
  host: string,
  port: number,
  serve: RequestListener,
  holdsProcess: boolean,
): Promise<Door> {
  for (let attempt = 1; ; attempt++) {
    const first = await listen(host, port, serve, holdsProcess);
    const { port: chosen } = first.address() as AddressInfo; // A TCP server has an address of this shape.
    if (!isLoopback(host) || host === '::1') return doorOf(chosen, [first]);
    try {
      return doorOf(chosen, [first, await listen('::1', chosen, serve, holdsProcess)]);
    } catch (error) {
      // Without IPv6 there is nothing to listen on; a port taken there would answer `localhost` in our place.
      if (!isTaken(error)) return doorOf(chosen, [first]);
      await closeServer(first);
      if (port !== 0 || attempt === attemptsForAnyPort) throw error;
    }
  }
}

function doorOf(port: number, servers: readonly Server[]): Door {
  return {
    port,
    dropIdleConnections: () => {
      for (const server of servers) server.closeIdleConnections();
    },
    close: async () => {
      await Promise.all(servers.map(closeServer));
    },
  };
}

function listen(host: string, port: number, serve: RequestListener, holdsProcess: boolean): Promise<Server> {
  const server = createServer(
    { connectionsCheckingInterval: 1000, headersTimeout: 8000, requestTimeout: 12_000, keepAliveTimeout: 60_000 },
    serve,
  );
  server.maxConnections = maximumConnections;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\n${rawGuardHeaders()}Connection: close\r\n\r\n`);
  });
  if (!holdsProcess) server.on('connection', (socket) => socket.unref());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => {}); // A failed accept() ends that connection, not the agent.
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
