// A host agent for tests: the agent's protocol on loopback, spans kept in memory.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireSpan } from '../../src/protocol/wire-span.js';

/** What tests need of an agent; whoever offers this can stand in for it. */
export interface SpanCollector {
  readonly port: number;
  spans(): readonly WireSpan[];
  /** Resolves as soon as `enough` holds, or when the time is up: the caller's assertions tell which. */
  waitForSpans(enough: (spans: readonly WireSpan[]) => boolean, timeoutMs: number): Promise<void>;
  /** Resolves when a sensor has announced the process and been told that it is known; false when the time is up. */
  waitForAnnounce(pid: number, timeoutMs: number): Promise<boolean>;
  clear(): void;
  close(): Promise<void>;
}

const discovery = '/com.instana.plugin.nodejs.discovery';

/** Starts an agent on a free port of 127.0.0.1. */
export async function startTestAgent(): Promise<SpanCollector> {
  const spans: WireSpan[] = [];
  const ready = new Set<number>();
  const watchers = new Set<() => void>();

  const receive = (body: string): void => {
    const batch: unknown = JSON.parse(body);
    // The sensor under test is the only one who posts here; what it sends is asserted on by the tests.
    if (Array.isArray(batch)) spans.push(...(batch as WireSpan[]));
    for (const watcher of watchers) watcher();
  };
  const answer = (method: string, path: string, body: string): { status: number; json?: unknown } => {
    if (path === '/') return { status: 200, json: { version: '1.1.999' } };
    if (path === discovery) return { status: 200, json: announced(body) };
    if (/\/traces\.\d+$/.test(path)) {
      receive(body);
      return { status: 200, json: {} };
    }
    const entity = /^\/com\.instana\.plugin\.nodejs\.(\d+)$/.exec(path);
    if (entity !== null && method === 'HEAD') {
      ready.add(Number(entity[1]));
      for (const watcher of watchers) watcher();
      return { status: 200 };
    }
    return { status: 200, json: entity === null ? {} : [] };
  };

  const server = createServer(async (req, res) => {
    const { status, json } = answer(req.method ?? '', (req.url ?? '').split('?')[0] ?? '', await read(req));
    const text = json === undefined ? '' : JSON.stringify(json);
    const length = Buffer.byteLength(text);
    res.writeHead(status, { Server: 'Instana Agent', 'Content-Type': 'application/json', 'Content-Length': length });
    res.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const until = (done: () => boolean, timeoutMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const finish = (): void => {
        watchers.delete(look);
        clearTimeout(timer);
        resolve(done());
      };
      const look = (): void => {
        if (done()) finish();
      };
      const timer = setTimeout(finish, timeoutMs);
      watchers.add(look);
      look();
    });

  return {
    port: (server.address() as AddressInfo).port, // a listening TCP server has this form
    spans: () => spans,
    waitForSpans: async (enough, timeoutMs) => {
      await until(() => enough(spans), timeoutMs);
    },
    waitForAnnounce: (pid, timeoutMs) => until(() => ready.has(pid), timeoutMs),
    clear: () => {
      spans.length = 0;
    },
    close: () => close(server),
  };
}

function announced(body: string): unknown {
  const { pid } = JSON.parse(body) as { pid?: unknown }; // an announce without a pid is answered without one
  return { agentUuid: '02:42:ac:ff:fe:11:00:02', pid: Number(pid), secrets: secretsDefault };
}

const secretsDefault = { matcher: 'contains-ignore-case', list: ['key', 'pass', 'secret'] };

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  return Buffer.concat(chunks).toString();
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
