// What the tests of the local agent share: requests over real sockets and spans as sensors send them.
import { type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

/** A response, read to its end. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: unknown;
}

/** Sends one request; a body other than text is sent as JSON. */
export function ask(
  agent: { readonly port: number },
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const json =
      body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    const call = request(
      { host: '127.0.0.1', port: agent.port, method, path, agent: false, headers: { ...json, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const received = Buffer.concat(chunks).toString('utf8');
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text: received, json: parse(received) });
        });
      },
    );
    call.once('error', reject);
    call.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends bytes as they are and resolves with everything that came back until the connection ended. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(received));
  });
}

/** Announces a process with this pid. */
export async function announce(
  agent: { readonly port: number },
  pid: number,
  plugin: string = 'nodejs',
): Promise<ReceivedResponse> {
  return ask(agent, 'PUT', `/com.instana.plugin.${plugin}.discovery`, { pid, name: '/usr/bin/node', args: ['app.js'] });
}

/** Sends spans as the process does. */
export async function sendSpans(
  agent: { readonly port: number },
  pid: number,
  spans: readonly unknown[],
): Promise<ReceivedResponse> {
  return ask(agent, 'POST', `/com.instana.plugin.nodejs/traces.${pid}`, spans);
}

export interface SpanParts {
  readonly t?: string;
  readonly s?: string;
  readonly p?: string;
  readonly k?: 1 | 2 | 3;
  readonly n?: string;
  readonly lt?: string;
  readonly ts?: number;
  readonly d?: number;
  readonly ec?: number;
  readonly pid?: number;
  readonly service?: string;
  readonly http?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A span as sensors send it, by default an HTTP entry. */
export function wireSpan(parts: SpanParts = {}): Record<string, unknown> {
  const { pid = 4711, service, http, data, k = 1, ...rest } = parts;
  return {
    t: '00000000000000aa',
    s: '00000000000000bb',
    n: k === 1 ? 'node.http.server' : 'node.http.client',
    k,
    f: { e: String(pid), h: '02:42:ac:ff:fe:11:00:02' },
    ts: 1_700_000_000_000,
    d: 5,
    ec: 0,
    ...rest,
    data: { ...(service === undefined ? {} : { service }), ...(http === undefined ? {} : { http }), ...data },
  };
}

/** An id of 16 digits. */
export function idOf(number: number): string {
  return number.toString(16).padStart(16, '0');
}

/** A trace through two services: entry, exit, entry. */
export function twoServiceTrace(t: string, first: number = 101, second: number = 202): [unknown[], unknown[]] {
  const entry = { method: 'GET', path_tpl: '/orders/:id', url: '/orders/7', status: 200 };
  const exit = { method: 'GET', url: 'http://127.0.0.1:4002/stock/7', status: 200 };
  const stock = { method: 'GET', path_tpl: '/stock/:sku', url: '/stock/7', status: 200 };
  const ts = 1_700_000_000_000;
  return [
    [
      wireSpan({ t, s: '0000000000000001', pid: first, service: 'storefront', ts, d: 34, http: entry }),
      wireSpan({
        t,
        s: '0000000000000002',
        p: '0000000000000001',
        k: 2,
        pid: first,
        service: 'storefront',
        ts: ts + 5,
        d: 12,
        http: exit,
      }),
    ],
    [
      wireSpan({
        t,
        s: '0000000000000003',
        p: '0000000000000002',
        pid: second,
        service: 'inventory',
        ts: ts + 6,
        d: 9,
        http: stock,
      }),
    ],
  ];
}
