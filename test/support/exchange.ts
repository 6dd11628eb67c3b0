// One request to a host app and what came back, as a client on the wire sees it.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

/** Ids that a test chooses for a request, so that it knows the spans again. */
export interface TraceIds {
  readonly t: string;
  readonly s: string;
}

export interface RequestSpec {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The client hangs up: while it waits for headers, or on the first bytes of the body. */
  readonly abort?: 'waiting' | 'reading';
  /** The exact bytes to send instead; gets the lines of the trace headers. */
  readonly raw?: (traceLines: string) => string | Buffer;
}

export interface Reply {
  /** Null when no response came. */
  readonly status: number | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly string[];
  readonly informational: readonly number[];
  readonly body: string;
  /** How the exchange failed, by error code; absent when it did not. */
  readonly failure?: string;
  /** From the first byte of the body to the last. */
  readonly spreadMs: number;
}

export interface Destination {
  readonly port: number;
  readonly secure: boolean;
  readonly agent?: http.Agent;
}

export function newTrace(): TraceIds {
  return { t: randomBytes(8).toString('hex'), s: randomBytes(8).toString('hex') };
}

export function traceHeaders(trace: TraceIds | null): Record<string, string> {
  return trace === null ? {} : { 'X-INSTANA-T': trace.t, 'X-INSTANA-S': trace.s };
}

/** Sends one request; never rejects, a failure is part of the reply. */
export function exchange(to: Destination, spec: RequestSpec, trace: TraceIds | null): Promise<Reply> {
  return spec.raw === undefined ? exchangeHttp(to, spec, trace) : exchangeRaw(to, spec.raw, trace);
}

const patienceMs = 4000;
const hangUpAfterMs = 150;
/** A client that leaves the moment it has the body would race the end of a streamed response. */
const lingerMs = 50;

function exchangeHttp(to: Destination, spec: RequestSpec, trace: TraceIds | null): Promise<Reply> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const informational: number[] = [];
    let response: http.IncomingMessage | undefined;
    let firstMs = 0;
    let lastMs = 0;
    let timer: NodeJS.Timeout | undefined;
    const agent = to.agent ?? new (to.secure ? https : http).Agent({ keepAlive: true });
    const settle = (failure?: string): void => {
      clearTimeout(timer);
      if (to.agent === undefined) setTimeout(() => agent.destroy(), lingerMs);
      resolve({
        status: response?.statusCode ?? null,
        headers: pairs(response?.rawHeaders ?? []),
        trailers: response?.rawTrailers ?? [],
        informational,
        body: Buffer.concat(chunks).toString(),
        ...(failure === undefined ? {} : { failure }),
        spreadMs: lastMs - firstMs,
      });
    };
    const request = (to.secure ? https : http).request({
      host: '127.0.0.1',
      port: to.port,
      method: spec.method ?? 'GET',
      path: spec.path,
      headers: { ...spec.headers, ...traceHeaders(trace) },
      rejectUnauthorized: false,
      agent,
    });
    const giveUp = (): void => {
      request.destroy();
      settle('given up');
    };
    timer = setTimeout(giveUp, spec.abort === 'waiting' ? hangUpAfterMs : patienceMs);
    request.on('information', ({ statusCode }) => informational.push(statusCode));
    request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    request.on('response', (message) => {
      response = message;
      message.on('data', (chunk: Buffer) => {
        lastMs = performance.now();
        if (chunks.push(chunk) === 1) firstMs = lastMs;
        if (spec.abort === 'reading') giveUp();
      });
      message.on('end', () => settle());
      message.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    });
    request.end(spec.body);
  });
}

/** Reads until the server closes, or until it has said nothing for a while. */
function exchangeRaw(
  to: Destination,
  raw: (traceLines: string) => string | Buffer,
  trace: TraceIds | null,
): Promise<Reply> {
  return new Promise((resolve) => {
    let text = '';
    let failure: string | undefined;
    const address = { host: '127.0.0.1', port: to.port, rejectUnauthorized: false };
    const socket = to.secure ? tls.connect(address) : net.connect(address);
    const lines = Object.entries(traceHeaders(trace)).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.setTimeout(2500, () => socket.destroy());
    socket.on(to.secure ? 'secureConnect' : 'connect', () => socket.write(raw(lines.join(''))));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => resolve(parse(text, failure)));
  });
}

function parse(text: string, failure: string | undefined): Reply {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d+)/.exec(statusLine)?.[1];
  return {
    status: status === undefined ? null : Number(status),
    headers: lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
    trailers: [],
    informational: [],
    body: rest.join('\r\n\r\n'),
    ...(failure === undefined ? {} : { failure }),
    spreadMs: 0,
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) found.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return found;
}

/** The part of a reply that must be the same with and without the sensor. */
export function comparable(reply: Reply): unknown {
  const { spreadMs: _, body, headers, ...rest } = reply;
  const plain = withoutStack(body).replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT');
  const unstable = new Set(['date', 'server-timing', ...(plain === body ? [] : ['content-length', 'etag'])]);
  return { ...rest, headers: headers.filter(([name]) => !unstable.has(name.toLowerCase())), body: plain };
}

/** Pages of errors show stack frames in development, and a wrapped function has frames of its own. */
function withoutStack(body: string): string {
  return body.replaceAll(/<br> (&nbsp; )+ ?&nbsp;at [^<\n]*/g, '').replaceAll(/(<br>|\n)[ &nbsp;]*at [^<\n]*/g, '');
}
