// The JSON requests by which people, pages and tests ask what has arrived.

import type { HealthWatch } from '../alerts/alert-evaluator.js';
import type { InstanceStore } from '../store/instances.js';
import { seenProcesses } from '../store/process-list.js';
import type { ProcessStore } from '../store/processes.js';
import type { TraceFilter, TraceStore } from '../store/traces.js';
import { type Answer, failure } from './respond.js';

/** What the JSON requests read from. */
export interface ViewerSources {
  readonly traces: TraceStore;
  readonly processes: ProcessStore;
  readonly instances: InstanceStore;
  readonly health: HealthWatch;
  requestCounts(): Readonly<Record<string, number>>;
}

interface Route {
  readonly pattern: RegExp;
  /** As it is counted and listed. */
  readonly label: string;
  readonly methods: Readonly<Record<string, (sources: ViewerSources, query: URLSearchParams, name: string) => Answer>>;
}

const routes: readonly Route[] = [
  { pattern: /^\/api\/traces$/, label: '/api/traces', methods: { GET: listTraces, DELETE: forgetTraces } },
  { pattern: /^\/api\/traces\/([^/]+)$/, label: '/api/traces/:traceId', methods: { GET: showTrace } },
  { pattern: /^\/api\/processes$/, label: '/api/processes', methods: { GET: listProcesses } },
  {
    pattern: /^\/api\/processes\/([^/]+)\/metrics$/,
    label: '/api/processes/:pid/metrics',
    methods: { GET: showMetrics },
  },
  { pattern: /^\/api\/events$/, label: '/api/events', methods: { GET: listEvents } },
  { pattern: /^\/api\/stats$/, label: '/api/stats', methods: { GET: showStats } },
];

/** The requests that a person can type, for the plain front page. */
export const viewerRequests: readonly string[] = [...routes.map(({ label }) => label), '/api/stream'];

/** The label of the route that serves the path, `null` when none does. */
export function viewerRoute(path: string): string | null {
  return routes.find(({ pattern }) => pattern.test(path))?.label ?? null;
}

/** Answers a JSON request. */
export function answerViewer(sources: ViewerSources, method: string, path: string, query: URLSearchParams): Answer {
  for (const route of routes) {
    const match = route.pattern.exec(path);
    if (match === null) continue;
    // HEAD is GET without the body, which Node.js leaves out by itself.
    const handler = Object.hasOwn(route.methods, method)
      ? route.methods[method]
      : method === 'HEAD'
        ? route.methods['GET']
        : undefined;
    if (handler === undefined)
      return failure(405, 'method not allowed', { Allow: Object.keys(route.methods).join(', ') });
    return handler(sources, query, match[1] ?? '');
  }
  return failure(404, 'no such request');
}

function listTraces({ traces }: ViewerSources, query: URLSearchParams): Answer {
  const minDurationMs = wholeNumber(query, 'minDurationMs');
  const limit = wholeNumber(query, 'limit');
  const service = query.get('service');
  const q = query.get('q');
  if (minDurationMs === 'wrong') return failure(400, 'minDurationMs must be a number of milliseconds');
  if (limit === 'wrong') return failure(400, 'limit must be a whole number');
  const filter: TraceFilter = {
    error: query.get('error') === 'true',
    ...(service ? { service } : {}),
    ...(q ? { q } : {}),
    ...(minDurationMs === null ? {} : { minDurationMs }),
    ...(limit === null ? {} : { limit }),
  };
  return { status: 200, json: traces.list(filter) };
}

function wholeNumber(query: URLSearchParams, name: string): number | null | 'wrong' {
  const value = query.get(name);
  if (value === null || value === '') return null;
  return /^\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : 'wrong';
}

function forgetTraces({ traces }: ViewerSources): Answer {
  traces.clear();
  return { status: 204 };
}

function showTrace({ traces }: ViewerSources, _query: URLSearchParams, id: string): Answer {
  const trace = traces.find(id);
  if (trace === null) return failure(404, 'no such trace');
  return { status: 200, json: { traceId: trace.traceId, spans: trace.spans.map(({ span }) => span) } };
}

function listProcesses({ processes, instances }: ViewerSources): Answer {
  return { status: 200, json: seenProcesses(processes, instances) };
}

function listEvents({ health }: ViewerSources): Answer {
  return { status: 200, json: health.events() };
}

function showMetrics({ processes }: ViewerSources, query: URLSearchParams, pid: string): Answer {
  const sinceMs = wholeNumber(query, 'sinceMs');
  if (sinceMs === 'wrong') return failure(400, 'sinceMs must be a time in milliseconds');
  const points = /^\d{1,10}$/.test(pid) ? processes.points(Number(pid), sinceMs ?? 0) : null;
  return points === null ? failure(404, 'no such process') : { status: 200, json: points };
}

function showStats(sources: ViewerSources): Answer {
  const { traces } = sources;
  return { status: 200, json: { spans: traces.counts, bytes: traces.bytes, requests: sources.requestCounts() } };
}
