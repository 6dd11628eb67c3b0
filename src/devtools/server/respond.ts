// Writes the answers of the local agent, each with the headers that keep a browser from misusing it.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What to answer: a status and, unless it is absent, a body as JSON, or as text of the given type. */
export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly json?: unknown;
  readonly text?: string;
}

/** On every answer, whatever it is. */
export const guardHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Sends the answer unless the client has gone. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const body = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json));
  const headers: OutgoingHttpHeaders = { ...guardHeaders, Server: 'Instana Agent', ...answer.headers };
  if (answer.json !== undefined) headers['Content-Type'] = 'application/json; charset=utf-8';
  if (answer.status !== 204) headers['Content-Length'] = Buffer.byteLength(body);
  response.writeHead(answer.status, headers);
  response.end(body);
}

/** An error in the shape of the JSON requests. */
export function failure(status: number, error: string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers, json: { error } };
}
