// Reads the members of spans of any sensor that the list and the terminal show; members of the wrong type count as absent.
import type { WireSpan } from '../../protocol/wire-span.js';
import { isObject, type JsonObject } from '../otlp/values.js';

/** A span in its original JSON, with what the store needs to find it. */
export interface ReceivedSpan {
  readonly span: WireSpan;
  readonly traceId: string;
  readonly id: string;
  readonly parentId: string | null;
  /** The reporting pid, or a text if the sender has none. */
  readonly pid: number | string;
  readonly bytes: number;
  /** Position in the order of arrival. */
  readonly sequence: number;
}

/** An id in its 16-digit form, `null` if invalid. The Python sensor of 2018 sends signed numbers. */
export function normalId(value: unknown): string | null {
  if (typeof value === 'string') return normalText(value);
  if (typeof value !== 'number' || !Number.isInteger(value)) return null;
  return BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');
}

function normalText(value: string): string | null {
  if (/^[0-9a-f]{16}$/.test(value)) return value;
  if (/^[0-9a-f]{1,64}$/i.test(value)) return value.toLowerCase().padStart(16, '0').slice(-16);
  return /^[\w.:-]{1,64}$/.test(value) ? value : null;
}

/** The span with its ids, or `null` if a required member is missing or invalid. */
export function readSpan(
  value: unknown,
  pathPid: number | string,
  bytes: number,
  sequence: number,
): ReceivedSpan | null {
  if (!isObject(value)) return null;
  const traceId = normalId(value['t']);
  const id = normalId(value['s']);
  if (traceId === null || id === null || typeof value['n'] !== 'string') return null;
  if (!isTime(value['ts']) || !isTime(value['d']) || (value['data'] !== undefined && !isObject(value['data'])))
    return null;
  const parentId = value['p'] === undefined || value['p'] === null ? null : normalId(value['p']);
  // The members of WireSpan that this file relies on have just been checked.
  const span = value as unknown as WireSpan;
  return { span, traceId, id, parentId, pid: sourcePid(value['f']) ?? pathPid, bytes, sequence };
}

function isTime(value: unknown): boolean {
  // 8.64e15 is the latest time that Date can represent.
  return typeof value === 'number' && value >= 0 && value <= 8.64e15;
}

function sourcePid(source: unknown): number | string | null {
  const entity = isObject(source) ? source['e'] : undefined;
  if (typeof entity === 'number' && Number.isSafeInteger(entity)) return entity;
  if (typeof entity !== 'string' || entity === '') return null;
  return /^\d{1,10}$/.test(entity) ? Number(entity) : entity.slice(0, 200);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function section(span: WireSpan, name: string): JsonObject | null {
  const value: unknown = span.data?.[name];
  return isObject(value) ? value : null;
}

/** 1 entry, 2 exit, 3 intermediate. Without `k`, `data.sdk.type` or the span name decides. */
export function spanKind(span: WireSpan): 1 | 2 | 3 {
  const kind: unknown = span.k;
  if (kind === 1 || kind === 2 || kind === 3) return kind;
  const type = section(span, 'sdk')?.['type'] ?? span.data?.['kind'];
  if (type === 'entry' || type === 'server' || type === 'consumer') return 1;
  if (type === 'exit' || type === 'client' || type === 'producer') return 2;
  if (/server|wsgi|django/.test(span.n)) return 1;
  return /client|urllib3|soap|memcache/.test(span.n) ? 2 : 3;
}

/** Whether the span has errors. */
export function hasError(span: WireSpan): boolean {
  return typeof span.ec === 'number' && span.ec > 0;
}

/** The configured service name in the span. */
export function configuredService(span: WireSpan): string | null {
  return text(span.data?.service);
}

/** Path or URL of an HTTP span. */
export function pathOf(span: WireSpan): string | null {
  return text(section(span, 'http')?.['url']);
}

/** `METHOD template-or-path` of an HTTP span, else the name of the operation. */
export function operationOf(span: WireSpan): string {
  const http = section(span, 'http');
  const target = text(http?.['path_tpl']) ?? text(http?.['url']);
  if (http !== null && target !== null) return `${text(http['method']) ?? 'HTTP'} ${target}`;
  if (http !== null && text(http['method']) !== null) return String(http['method']);
  return text(section(span, 'sdk')?.['name']) ?? text(span.data?.['operation']) ?? span.n;
}

/** The HTTP status as text; older sensors send text, newer ones a number. */
export function statusOf(span: WireSpan): string | null {
  const status = section(span, 'http')?.['status'];
  return typeof status === 'number' ? String(status) : text(status);
}

/** The error message in the span. */
export function errorTextOf(span: WireSpan): string | null {
  for (const [name, value] of Object.entries(span.data ?? {})) {
    const found = isObject(value) && name !== 'sdk' ? text(value['error']) : null;
    if (found !== null) return found;
  }
  // Spans from OpenTelemetry have the message beside their sections.
  const detail = text(span.data?.['error_detail']);
  if (detail !== null) return detail;
  const custom = section(span, 'sdk')?.['custom'];
  const tags = isObject(custom) ? custom['tags'] : null;
  return isObject(tags) && hasError(span) ? text(tags['message']) : null;
}

/** One line that describes a call other than HTTP: its command, statement or message, and its target. */
export function detailOf(span: WireSpan): string | null {
  for (const value of Object.values(span.data ?? {})) {
    if (!isObject(value)) continue;
    const texts = ['level', 'command', 'operation', 'statement', 'stmt', 'message', 'connection'].map((key) =>
      text(value[key]),
    );
    const words = texts.filter((word) => word !== null);
    if (words.length > 0) return words.join(' ');
  }
  return null;
}
