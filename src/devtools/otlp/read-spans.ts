// Converts an OTLP/JSON trace request into stored spans, in the form that Instana's back end uses for spans of OpenTelemetry.
import { hasShortId, parseId, shortId } from '../../propagation/ids.js';
import type { SpanKind, WireHttp, WireSpan } from '../../protocol/wire-span.js';
import { type Rejection, reject } from './read-metrics.js';
import { type Attributes, attributesOf, type JsonObject, objectOf, objectsOf, textOf, timeMsOf } from './values.js';

/** The spans of one resource, which is one process. */
export interface ResourceSpans {
  readonly resource: Attributes;
  readonly spans: readonly WireSpan[];
}

/** The name of every span that arrived over OTLP. */
export const otlpSpanName = 'otel';

const statusError = 2;
const spanKinds: readonly { readonly name: string; readonly kind: SpanKind }[] = [
  { name: 'internal', kind: 3 },
  { name: 'internal', kind: 3 },
  { name: 'server', kind: 1 },
  { name: 'client', kind: 2 },
  { name: 'producer', kind: 2 },
  { name: 'consumer', kind: 1 },
];
const unknownKind = { name: 'internal', kind: 3 } as const;

/** Throws `MalformedOtlp` if the document does not have the structure of OTLP. Invalid spans are rejected one by one. */
export function readSpans(document: JsonObject, rejected: Rejection): ResourceSpans[] {
  return objectsOf(document, 'resourceSpans').map((of) => {
    const resource = attributesOf(objectOf(of, 'resource'));
    const spans: WireSpan[] = [];
    for (const scopeSpans of objectsOf(of, 'scopeSpans')) {
      const scope = textOf(objectOf(scopeSpans, 'scope')['name']);
      for (const span of objectsOf(scopeSpans, 'spans')) {
        const converted = convert(span, scope, resource);
        if (typeof converted === 'string') reject(rejected, converted);
        else spans.push(converted);
      }
    }
    return { resource, spans };
  });
}

/** The stored span, or the reason why it is invalid. */
function convert(span: JsonObject, scope: string, resource: Attributes): WireSpan | string {
  const traceId = idOf(span['traceId'], 32);
  const id = idOf(span['spanId'], 16);
  const parentId = idOf(span['parentSpanId'], 16);
  const startMs = timeMsOf(span['startTimeUnixNano']);
  if (traceId === null) return 'a span needs a traceId of 32 hexadecimal digits, not all zero';
  if (id === null) return 'a span needs a spanId of 16 hexadecimal digits, not all zero';
  if (startMs === null) return 'a span needs a startTimeUnixNano';
  const endMs = Math.max(startMs, timeMsOf(span['endTimeUnixNano']) ?? startMs);
  const { name: kindName, kind } = spanKinds[Number(span['kind'] ?? 0)] ?? unknownKind;
  const tags = attributesOf(span);
  const events = eventsOf(span);
  const { isFailed, message } = failureOf(span, events);
  const http = httpOf(tags, kind, message);
  const links = linksOf(span);
  const traceState = textOf(span['traceState']);
  return {
    // If the last 16 digits are all zero, the first 16 identify the trace.
    t: hasShortId(traceId) ? shortId(traceId) : traceId.slice(0, 16),
    lt: traceId,
    s: id,
    ...(parentId !== null && { p: parentId }),
    n: otlpSpanName,
    k: kind,
    ...(resource['process.pid'] !== undefined && { f: { e: String(resource['process.pid']) } }),
    ts: Math.round(startMs),
    d: Math.round(endMs - startMs),
    ec: isFailed ? 1 : 0,
    data: {
      kind: kindName,
      ...(typeof resource['service.name'] === 'string' && { service: resource['service.name'] }),
      operation: textOf(span['name']),
      ...(http !== null && { http }),
      tags,
      ...(events.length > 0 && { events }),
      ...(links.length > 0 && { links }),
      ...(scope !== '' && { scope }),
      ...(traceState !== '' && { trace_state: traceState }),
      ...(isFailed && { error: 'ERROR' }),
      ...(isFailed && message !== '' && { error_detail: message }),
    },
  };
}

/** An id with exactly this number of digits, else `null`. */
function idOf(value: unknown, digits: number): string | null {
  return typeof value === 'string' && value.length === digits ? parseId(value) : null;
}

interface SpanEvent {
  readonly name: string;
  readonly ts: number | null;
  readonly attributes: Attributes;
}

function eventsOf(span: JsonObject): SpanEvent[] {
  return objectsOf(span, 'events').map((event) => ({
    name: textOf(event['name']),
    ts: timeMsOf(event['timeUnixNano']),
    attributes: attributesOf(event),
  }));
}

function linksOf(span: JsonObject): JsonObject[] {
  return objectsOf(span, 'links').flatMap((link) => {
    const t = idOf(link['traceId'], 32);
    const s = idOf(link['spanId'], 16);
    return t === null || s === null ? [] : [{ t, s, attributes: attributesOf(link) }];
  });
}

/** Whether the span failed, with the message of its status or, failing that, of its last exception. */
function failureOf(span: JsonObject, events: readonly SpanEvent[]): { isFailed: boolean; message: string } {
  const status = objectOf(span, 'status');
  if (status['code'] !== statusError) return { isFailed: false, message: '' };
  const statusMessage = textOf(status['message']);
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes;
  return { isFailed: true, message: statusMessage === '' ? textOf(exception?.['exception.message']) : statusMessage };
}

/** The HTTP section, read from the conventions of today or from those before 2023; `null` if the span is not HTTP. */
function httpOf(tags: Attributes, kind: SpanKind, message: string): WireHttp | null {
  const method = textOf(tags['http.request.method'] ?? tags['http.method']);
  if (method === '') return null;
  const url = urlOf(tags, kind);
  const query = textOf(tags['url.query']) || (textOf(tags['http.target']).split('?')[1] ?? '');
  const status = Number(tags['http.response.status_code'] ?? tags['http.status_code'] ?? Number.NaN);
  const route = textOf(tags['http.route']);
  const host = textOf(tags['server.address'] ?? tags['http.host']);
  return {
    method,
    ...(url !== '' && { url }),
    ...(query !== '' && { params: query }),
    ...(host !== '' && { host }),
    ...(Number.isInteger(status) && { status }),
    ...(route !== '' && { path_tpl: route }),
    ...(message !== '' && { error: message }),
  };
}

/** The path of a served request, or the full URL of a call. */
function urlOf(tags: Attributes, kind: SpanKind): string {
  const path = textOf(tags['url.path']) || (textOf(tags['http.target']).split('?')[0] ?? '');
  const full = textOf(tags['url.full'] ?? tags['http.url']).split('?')[0] ?? '';
  if (kind === 1) return path || full;
  return full || path;
}
