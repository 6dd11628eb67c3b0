// The route table of the local agent: every request that it serves, and the handler of each.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentProtocol } from './agent-protocol.js';
import { deleteTraces, getEvents, getMetrics, getProcesses, getStats, getTrace, listTraces } from './api.js';
import type { EventStream } from './event-stream.js';
import { type BodyRules, type JsonBody, maxBodyBytes } from './json-body.js';
import { type OtlpReceiver, otlpTypeError } from './otlp-receiver.js';
import { failure, type OutgoingResponse } from './respond.js';
import type { AgentStores } from './stores.js';

/** Names of the requests that sensors and exporters send. */
export type Endpoint =
  | 'lookup'
  | 'announce'
  | 'ready'
  | 'metrics'
  | 'traces'
  | 'response'
  | 'profiles'
  | 'tracermetrics'
  | 'event'
  | 'monitoring-event'
  | 'logger'
  | 'otlp-metrics'
  | 'otlp-traces';

/** What handlers work on. */
export interface Services {
  readonly stores: AgentStores;
  readonly protocol: AgentProtocol;
  readonly otlp: OtlpReceiver;
  readonly stream: EventStream;
  requestCounts(): Readonly<Record<string, number>>;
}

/** One request as its handler sees it. */
export interface Call {
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The variable part of the path: a pid or a trace id. Empty if the path has none. */
  readonly parameter: string;
  /** The request body; that of a route without `body` is not read and counts as empty. */
  readonly body: JsonBody;
}

/** One row of the table. Several rows may have the same path. */
export interface Route {
  /** `null` for requests of people and pages. */
  readonly endpoint: Endpoint | null;
  readonly method: string;
  readonly pattern: RegExp;
  /** Further condition on the request. */
  readonly when?: (request: IncomingMessage) => boolean;
  /** The path as it is counted and listed on the front page. Without it, the path itself is counted. */
  readonly label?: string;
  /** The rules for the request body. */
  readonly body?: BodyRules;
  /** Error of the response with status 405 to other methods. Without it, they get status 404. */
  readonly methodError?: string;
  /** The response, or `null` if the handler writes it itself. */
  readonly handle: (services: Services, call: Call) => OutgoingResponse | null;
}

/** The result of a look-up in the table: a route, or the response to a request that no route serves. */
export interface RouteMatch {
  readonly route: Route | null;
  readonly parameter: string;
  readonly label: string | null;
  /** Whether the path is one of OTLP. */
  readonly isOtlp: boolean;
  readonly failure: OutgoingResponse;
}

const plainBody: BodyRules = { limitBytes: maxBodyBytes };
const otlpBody: BodyRules = { limitBytes: maxBodyBytes, acceptsGzip: true, typeError: otlpTypeError };
const plugin = '/com\\.instana\\.plugin\\.(?:nodejs|python|golang|ruby)';
const ok = (): OutgoingResponse => ({ status: 200 });

const routes: readonly Route[] = [
  { endpoint: null, method: 'GET', pattern: /^\/$/, when: acceptsHtml, handle: frontPage },
  { endpoint: null, method: 'HEAD', pattern: /^\/$/, handle: frontPage },
  sensorRoute('lookup', 'GET', '/', (protocol) => protocol.lookUp()),
  sensorRoute('announce', 'PUT', `${plugin}\\.discovery`, (protocol, _pid, body) => protocol.announce(body)),
  sensorRoute('ready', 'HEAD', `${plugin}\\.(\\d{1,10})`, (protocol, pid) => protocol.checkReady(pid)),
  sensorRoute('metrics', 'POST', `${plugin}\\.(\\d{1,10})`, (protocol, pid, body) =>
    protocol.receiveMetrics(pid, body),
  ),
  sensorRoute('traces', 'POST', `${plugin}/traces\\.(\\d{1,10})`, (protocol, pid, body, bytes) =>
    protocol.receiveSpans(pid, body, bytes),
  ),
  sensorRoute('profiles', 'POST', `${plugin}/profiles\\.(\\d{1,10})`, ok),
  sensorRoute('response', 'POST', `${plugin}/response\\.(\\d{1,10})`, () => ({ status: 204 })),
  sensorRoute('tracermetrics', 'POST', '/tracermetrics', ok),
  sensorRoute('event', 'POST', '/com\\.instana\\.plugin\\.generic\\.event', ok),
  sensorRoute('monitoring-event', 'POST', '/com\\.instana\\.plugin\\.generic\\.agent-monitoring-event', ok),
  sensorRoute('logger', 'POST', '/com\\.instana\\.agent\\.logger', ok),
  otlpRoute('otlp-metrics', '/v1/metrics', (receiver, body) => receiver.receiveMetrics(body)),
  otlpRoute('otlp-traces', '/v1/traces', (receiver, body) => receiver.receiveSpans(body)),
  apiRoute('GET', '/api/traces', ({ stores }, { query }) => listTraces(stores, query)),
  apiRoute('DELETE', '/api/traces', ({ stores }) => deleteTraces(stores)),
  apiRoute('GET', '/api/traces/:traceId', ({ stores }, { parameter }) => getTrace(stores, parameter)),
  apiRoute('GET', '/api/processes', ({ stores }) => getProcesses(stores)),
  apiRoute('GET', '/api/processes/:pid/metrics', ({ stores }, { query, parameter }) =>
    getMetrics(stores, query, parameter),
  ),
  apiRoute('GET', '/api/events', ({ stores }) => getEvents(stores)),
  apiRoute('GET', '/api/stats', ({ stores, requestCounts }) => getStats(stores, requestCounts())),
  { endpoint: null, method: 'GET', pattern: /^\/api\/stream$/, label: '/api/stream', handle: openStream },
];

/** A request of the agent protocol. The pattern's group is the pid. */
function sensorRoute(
  endpoint: Endpoint,
  method: string,
  path: string,
  handle: (protocol: AgentProtocol, pid: number, body: unknown, bodyBytes: number) => OutgoingResponse,
): Route {
  return {
    endpoint,
    method,
    pattern: RegExp(`^${path}$`),
    body: plainBody,
    handle: ({ stores, protocol }, { parameter, body }) => {
      if (!body.accepted) return failure(body.status, body.error);
      const pid = Number(parameter);
      stores.processes.touch(pid);
      return handle(protocol, pid, body.value, body.bytes);
    },
  };
}

function otlpRoute(
  endpoint: Endpoint,
  path: string,
  handle: (receiver: OtlpReceiver, body: JsonBody) => OutgoingResponse,
): Route {
  return {
    endpoint,
    method: 'POST',
    pattern: RegExp(`^${path}$`),
    body: otlpBody,
    methodError: 'OTLP is sent by POST',
    handle: ({ otlp }, { body }) => handle(otlp, body),
  };
}

function apiRoute(method: string, label: string, handle: Route['handle']): Route {
  const pattern = RegExp(`^${label.replace(/:\w+/, '([^/]+)')}$`);
  return { endpoint: null, method, pattern, label, methodError: 'method not allowed', handle };
}

/** Looks up the route of a request by its method and path. */
export function findRoute(request: IncomingMessage, path: string): RouteMatch {
  const candidates = routes.filter(({ pattern }) => pattern.test(path));
  const route = candidates.find((candidate) => serves(candidate, request)) ?? null;
  return {
    route,
    parameter: route?.pattern.exec(path)?.[1] ?? '',
    label: candidates[0]?.label ?? null,
    isOtlp: candidates.some(({ body }) => body === otlpBody),
    failure: noRoute(candidates),
  };
}

function serves({ method, when, methodError }: Route, request: IncomingMessage): boolean {
  if (when !== undefined && !when(request)) return false;
  // HEAD is GET without a body, and Node.js leaves the body out.
  const isHeadOfGet = method === 'GET' && request.method === 'HEAD' && methodError !== undefined;
  return method === request.method || isHeadOfGet;
}

function noRoute(candidates: readonly Route[]): OutgoingResponse {
  const error = candidates[0]?.methodError;
  if (error === undefined) return failure(404, 'no such request');
  return failure(405, error, { Allow: candidates.map(({ method }) => method).join(', ') });
}

function acceptsHtml(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').includes('text/html');
}

function frontPage(): OutgoingResponse {
  const paths = new Set(routes.flatMap(({ label }) => label ?? []));
  const list = [...paths].map((path) => `GET ${path}`).join('\n');
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    text: `Instana agent for development, by @instana/ts-sensor\n\n${list}\n`,
  };
}

function openStream({ stream }: Services, { response }: Call): OutgoingResponse | null {
  return stream.attach(response) ? null : failure(503, 'too many open streams');
}
