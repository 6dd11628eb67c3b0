// Stands in for the sensor in tests of the demo: a preload that reports HTTP requests of a server as spans.

import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { ClientRequest, type IncomingMessage, request, Server, type ServerResponse } from 'node:http';

interface Context {
  readonly t: string;
  readonly s: string;
}

const active = new AsyncLocalStorage<Context | null>();
const newId = (): string => randomBytes(8).toString('hex');
const waiting: unknown[] = [];

function report(path: string, method: string, body: unknown): void {
  active.run(null, () => {
    const text = JSON.stringify(body);
    const { INSTANA_AGENT_HOST: host, INSTANA_AGENT_PORT: port } = process.env;
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    request({ host, port, path, method, headers, agent: false }, (response) => response.resume())
      .on('error', () => {})
      .end(text);
  });
}

function finish(parts: Record<string, unknown>, http: Record<string, unknown>): void {
  const service = process.env['INSTANA_SERVICE_NAME'];
  waiting.push({ ...parts, f: { e: String(process.pid) }, ec: 0, data: { service, http } });
}

const emit = Server.prototype.emit;
Server.prototype.emit = function emitTraced(this: Server, event: string | symbol, ...args: unknown[]): boolean {
  if (event !== 'request') return Reflect.apply(emit, this, [event, ...args]);
  const [incoming, response] = args as [IncomingMessage, ServerResponse]; // What this event brings.
  const { 'x-instana-t': t = newId(), 'x-instana-s': p } = incoming.headers;
  const context = { t: String(t), s: newId() };
  const ts = Date.now();
  response.once('finish', () => {
    const http = { method: incoming.method, url: incoming.url?.split('?')[0], status: response.statusCode };
    finish(
      { ...context, ...(p === undefined ? {} : { p }), n: 'node.http.server', k: 1, ts, d: Date.now() - ts },
      http,
    );
  });
  return active.run(context, () => Reflect.apply(emit, this, [event, ...args]));
};

const end = ClientRequest.prototype.end;
ClientRequest.prototype.end = function endTraced(this: ClientRequest, ...args: unknown[]): ClientRequest {
  const parent = active.getStore();
  if (parent) {
    const s = newId();
    const ts = Date.now();
    this.setHeader('X-INSTANA-T', parent.t);
    this.setHeader('X-INSTANA-S', s);
    this.once('response', (response: IncomingMessage) => {
      const http = { method: this.method, url: `http://${this.host}${this.path}`, status: response.statusCode };
      finish({ t: parent.t, p: parent.s, s, n: 'node.http.client', k: 2, ts, d: Date.now() - ts }, http);
    });
  }
  return Reflect.apply(end, this, args);
};

report('/com.instana.plugin.nodejs.discovery', 'PUT', {
  pid: process.pid,
  name: process.execPath,
  args: process.argv.slice(1),
});
setInterval(() => {
  if (waiting.length > 0) report(`/com.instana.plugin.nodejs/traces.${process.pid}`, 'POST', waiting.splice(0));
}, 100).unref();
