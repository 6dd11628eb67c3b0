// Errors and logs of a span as OTLP events, by OpenTelemetry's semantic conventions for exceptions.
import { quote } from '../core/plain-json.js';
import { AttributeList } from './attribute-list.js';

/** The latest time that 64 bits hold as nanoseconds. */
const maxMs = 18_446_744_073_709;
const exceptionKeys: ReadonlyMap<string, string> = new Map([
  ['error.kind', 'exception.type'],
  ['message', 'exception.message'],
  ['stack', 'exception.stacktrace'],
]);

/**
 * A time in milliseconds since the epoch as nanoseconds in decimal digits. Microseconds are what a double can hold of it. An application
 * may give any time; a receiver would refuse a whole request with one that 64 bits cannot hold.
 */
export function nanoseconds(ms: number): string {
  const micros = Math.round(Math.min(Math.max(ms, 0), maxMs) * 1000);
  return micros === 0 ? '0' : `${micros}000`;
}

/** The class of an error, of which there are few: the code of a system error, else the name in `Name: message`. */
export function errorType(error: string): string {
  const code = /\b(?:E[A-Z]{3,20}\d{0,2}|(?:ERR|UND_ERR|CERT)_[A-Z_]{2,60})\b/.exec(error)?.[0];
  if (code !== undefined && code !== 'ERROR') return code;
  if (error.startsWith('Timeout exceeded')) return 'timeout';
  return exceptionType(error) ?? '_OTHER';
}

/** The event for the text of an error and the text of its stack, which is empty without one. */
export function exceptionEvent(error: string, stack: string, timeMs: number): string {
  const attributes = new AttributeList();
  addException(attributes, error);
  if (stack !== '') attributes.add('exception.stacktrace', `${error}\n${stack}`);
  return eventJson(timeMs, 'exception', attributes);
}

/** Events as JSON, separated by commas, and whether one of them is an exception. */
export interface LogEvents {
  readonly json: string;
  readonly hasException: boolean;
}

/** The logs of a manual span by their time; those with `event: 'error'` are exceptions. */
export function logEvents(logs: Readonly<Record<string, unknown>>, endMs: number, stack: string): LogEvents {
  let hasException = false;
  const events: string[] = [];
  for (const [time, fields] of Object.entries(logs)) {
    const { event, ...others } = Object(fields) as Record<string, unknown>;
    const timeMs = Number.isFinite(Number(time)) ? Number(time) : endMs;
    const attributes = new AttributeList();
    if (event === 'error') {
      addLoggedException(attributes, others, stack);
      events.push(eventJson(timeMs, 'exception', attributes));
    } else {
      attributes.addAll(others);
      events.push(eventJson(timeMs, typeof event === 'string' && event !== '' ? event : 'log', attributes));
    }
    hasException ||= event === 'error' || event === 'exception';
  }
  return { json: events.join(','), hasException };
}

function addLoggedException(attributes: AttributeList, fields: Readonly<Record<string, unknown>>, stack: string): void {
  for (const [key, value] of Object.entries(fields)) attributes.add(exceptionKeys.get(key) ?? key, value);
  const object = fields['error.object'];
  if (typeof object === 'string') addException(attributes, object);
  if (stack !== '') attributes.add('exception.stacktrace', stack);
}

/** Type and message of an error's text, `Name: message` or a message alone. */
function addException(attributes: AttributeList, error: string): void {
  const type = exceptionType(error);
  if (type !== null) attributes.add('exception.type', type);
  attributes.add('exception.message', type === null ? error : error.slice(type.length + 1).trim());
}

function exceptionType(error: string): string | null {
  return /^([A-Za-z_$][\w$.]{0,99})(?::|$)/.exec(error)?.[1] ?? null;
}

function eventJson(timeMs: number, name: string, attributes: AttributeList): string {
  return `{"timeUnixNano":"${nanoseconds(timeMs)}","name":${quote(name)},"attributes":[${attributes}]}`;
}
