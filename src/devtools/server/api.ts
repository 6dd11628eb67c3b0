// The JSON requests by which people, pages and tests read what the agent has received.
import { listProcesses } from '../store/process-list.js';
import type { TraceFilter } from '../store/traces.js';
import { failure, type OutgoingResponse } from './respond.js';
import type { AgentStores } from './stores.js';

/** `GET /api/traces` */
export function listTraces({ traces }: AgentStores, query: URLSearchParams): OutgoingResponse {
  const minDurationMs = numberParameter(query, 'minDurationMs');
  const limit = numberParameter(query, 'limit');
  const service = query.get('service');
  const q = query.get('q');
  if (minDurationMs === 'invalid') return failure(400, 'minDurationMs must be a number of milliseconds');
  if (limit === 'invalid') return failure(400, 'limit must be a whole number');
  const filter: TraceFilter = {
    error: query.get('error') === 'true',
    ...(service ? { service } : {}),
    ...(q ? { q } : {}),
    ...(minDurationMs === null ? {} : { minDurationMs }),
    ...(limit === null ? {} : { limit }),
  };
  return { status: 200, json: traces.list(filter) };
}

/** `DELETE /api/traces` */
export function deleteTraces({ traces }: AgentStores): OutgoingResponse {
  traces.clear();
  return { status: 204 };
}

/** `GET /api/traces/:traceId` */
export function getTrace({ traces }: AgentStores, id: string): OutgoingResponse {
  const trace = traces.find(id);
  if (trace === null) return failure(404, 'no such trace');
  return { status: 200, json: { traceId: trace.traceId, spans: trace.spans.map(({ span }) => span) } };
}

/** `GET /api/processes` */
export function getProcesses({ processes, instances }: AgentStores): OutgoingResponse {
  return { status: 200, json: listProcesses(processes, instances) };
}

/** `GET /api/processes/:pid/metrics` */
export function getMetrics({ processes }: AgentStores, query: URLSearchParams, pid: string): OutgoingResponse {
  const sinceMs = numberParameter(query, 'sinceMs');
  if (sinceMs === 'invalid') return failure(400, 'sinceMs must be a time in milliseconds');
  const points = /^\d{1,10}$/.test(pid) ? processes.points(Number(pid), sinceMs ?? 0) : null;
  return points === null ? failure(404, 'no such process') : { status: 200, json: points };
}

/** `GET /api/events` */
export function getEvents({ alerts }: AgentStores): OutgoingResponse {
  return { status: 200, json: alerts.alerts() };
}

/** `GET /api/stats` */
export function getStats({ traces }: AgentStores, requests: Readonly<Record<string, number>>): OutgoingResponse {
  return { status: 200, json: { spans: traces.counts, bytes: traces.bytes, requests } };
}

/** A number of the query, `null` if absent. */
function numberParameter(query: URLSearchParams, name: string): number | null | 'invalid' {
  const value = query.get(name);
  if (value === null || value === '') return null;
  return /^\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : 'invalid';
}
