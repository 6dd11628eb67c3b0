// What tests of OTLP share: a receiver on loopback that remembers, and the official protobuf definitions as a judge of documents.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

import { appsFolder } from './run-app.js';

export const certificateFile: string = join(appsFolder, 'certificate', 'cert.pem');
const keyFile: string = join(appsFolder, 'certificate', 'key.pem');

export interface OtlpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The answer; null when none was given. */
  readonly status: number | null;
  readonly atMs: number;
}

/** Answers a request; what it does not answer stays open. */
export type OtlpHandler = (response: ServerResponse, text: string, path: string) => void;

/** Accepts everything until a test says otherwise. */
export class OtlpReceiver {
  readonly requests: OtlpRequest[] = [];
  readonly sockets: Set<Socket> = new Set();
  connections = 0;
  /** The name that the last client asked for over TLS; false when it sent none. */
  serverName: string | false | null = null;
  handler: OtlpHandler = acceptAll;
  readonly #server: ReturnType<typeof createServer> | ReturnType<typeof createSecureServer>;
  #port = 0;

  /** With TLS it has the certificate of `certificateFile`, for localhost. */
  constructor(isSecure: boolean = false) {
    const listener = async (request: import('node:http').IncomingMessage, response: ServerResponse): Promise<void> => {
      request.on('error', () => {});
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
      } catch {
        return; // the sender went away
      }
      const text = Buffer.concat(chunks).toString();
      const path = request.url ?? '';
      this.handler(response, text, path);
      this.requests.push({
        method: request.method ?? '',
        path,
        headers: request.headers,
        text,
        status: response.writableEnded ? response.statusCode : null,
        atMs: performance.now(),
      });
    };
    this.#server = isSecure
      ? createSecureServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, listener)
      : createServer(listener);
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('secureConnection', ({ servername }: { servername: string | false | null }) => {
      this.serverName = servername;
    });
    this.#server.on('tlsClientError', () => {});
  }

  async listen(port: number = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get port(): number {
    return this.#port;
  }

  /** Bodies of the accepted requests of a signal, parsed. */
  accepted(signal: 'metrics' | 'traces'): unknown[] {
    return this.requests
      .filter(({ path, status }) => path === `/v1/${signal}` && status === 200)
      .map(({ text }) => JSON.parse(text) as unknown);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export const acceptAll: OtlpHandler = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end('{}');
};

/** Answers with a status and a body. */
export function answerWith(status: number, body: unknown = {}, headers: Record<string, string> = {}): OtlpHandler {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

interface Message {
  fromObject(document: object): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): unknown;
}

interface Definitions {
  readonly collector: {
    readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: Message } };
    readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Message } };
  };
}

const definitions = require('@opentelemetry/otlp-transformer/build/src/generated/root.js') as {
  readonly opentelemetry: { readonly proto: Definitions };
}; // generated, without types of its own

const idMembers = new Set(['traceId', 'spanId', 'parentSpanId']);

/** In OTLP/JSON ids are hexadecimal, in the general JSON form of protobuf they are bytes in base64. */
function mapIds(value: unknown, map: (id: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => mapIds(entry, map));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, idMembers.has(name) ? map(member) : mapIds(member, map)]),
  );
}

/**
 * The document after a way through the official definitions: misspelt names are lost on it, wrong types come back as others or throw. Equal
 * to the document when that is right.
 */
export function throughProtobuf(signal: 'metrics' | 'traces', document: unknown): unknown {
  const { collector } = definitions.opentelemetry.proto;
  const type =
    signal === 'metrics'
      ? collector.metrics.v1.ExportMetricsServiceRequest
      : collector.trace.v1.ExportTraceServiceRequest;
  const bytes = mapIds(document, (id) => Buffer.from(String(id), 'hex')) as object;
  const decoded = type.decode(type.encode(type.fromObject(bytes)).finish());
  const shown = type.toObject(decoded, { longs: String });
  return mapIds(
    JSON.parse(JSON.stringify(mapIds(shown, (id) => Buffer.from(id as Uint8Array).toString('hex')))),
    (id) => id,
  );
}

/** Lists that are empty and lists that are absent are one to protobuf. */
export function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !Array.isArray(member) || member.length > 0)
      .map(([name, member]) => [name, withoutEmptyLists(member)]),
  );
}
