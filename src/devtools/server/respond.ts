// Writes the responses of the local agent, each with headers that keep a browser from misusing it.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What to send: a status and optionally a body, as JSON or as text of the given type. */
export interface OutgoingResponse {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly json?: unknown;
  readonly text?: string;
}

/** Headers of every response, errors included. */
export const guardHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** How long a client that is still sending may take to read an early response. */
const lingerMs = 1000;

/** Sends the response unless the client has gone. */
export function send(response: ServerResponse, content: OutgoingResponse): void {
  if (response.headersSent || response.destroyed) return;
  const body = content.text ?? (content.json === undefined ? '' : JSON.stringify(content.json));
  const headers: OutgoingHttpHeaders = { ...guardHeaders, Server: 'Instana Agent', ...content.headers };
  if (content.json !== undefined) headers['Content-Type'] = 'application/json; charset=utf-8';
  if (content.status !== 204) headers['Content-Length'] = Buffer.byteLength(body);
  response.writeHead(content.status, headers);
  response.end(body);
}

/** Sends the response even if the client is still sending, and closes the connection after giving it time to read. */
export function sendEarly(request: IncomingMessage, response: ServerResponse, content: OutgoingResponse): void {
  if (request.complete) {
    send(response, content);
    return;
  }
  const body = JSON.stringify(content.json);
  response.writeHead(content.status, {
    ...guardHeaders,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  response.write(body);
  const timer = setTimeout(() => response.end(), lingerMs).unref();
  request.once('end', () => {
    clearTimeout(timer);
    response.end();
  });
  request.resume();
}

/** An error in the JSON form that all requests share. */
export function failure(status: number, error: string, headers: OutgoingHttpHeaders = {}): OutgoingResponse {
  return { status, headers, json: { error } };
}
