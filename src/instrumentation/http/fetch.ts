// Node.js' global fetch, followed on the diagnostics channels that undici publishes: one exit span per request on the wire.
import { httpPresets } from '../../config/activation.js';
import type { SpanRecord } from '../../spans/span.js';
import type { ChannelInstrumentation, InstrumentationContext } from '../instrumentation.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { valuesInList } from './captured-headers.js';
import { inPairs, mergeTraceHeaders } from './outgoing-headers.js';

/** The part of undici's request object that is used; looked at before use, since it differs by version. */
interface UndiciRequest {
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly method?: unknown;
  headers?: unknown;
  /** The protocol that a WebSocket asks for; else null, or absent. */
  readonly upgrade?: unknown;
  addHeader?(name: string, value: string): unknown;
}

interface UndiciMessage {
  readonly request?: UndiciRequest;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
  readonly error?: unknown;
}

function channels({
  exitSpans,
  errors,
  state,
}: InstrumentationContext): Readonly<Record<string, (message: unknown) => void>> {
  const spans: PrivateField<SpanRecord> = makePrivateField();
  const breaker = errors.breaker('fetch');

  function created({ request }: UndiciMessage): void {
    if (state.isDisabled || request === undefined || typeof request.addHeader !== 'function') return;
    const parent = exitSpans.parent();
    const headers = parent === null ? exitSpans.headersWithoutSpan() : null;
    if (parent === null && headers === null) return;
    // A connection that is upgraded is told of on no channel: its span would stay open.
    const span = parent === null || request.upgrade ? null : begin(parent, request);
    if (span !== null) {
      spans.set(request, span);
      if (exitSpans.captures) captureIn(span, listOf(request.headers));
    }
    const added = span !== null ? exitSpans.headers(span) : parent === null ? headers : exitSpans.headers(parent);
    if (added === null) return;
    const free = settle(request, added, exitSpans);
    for (let index = 0; index + 1 < free.length; index += 2) {
      request.addHeader(free[index] as string, free[index + 1] as string); // inside the bounds
    }
  }

  function begin(parent: SpanRecord, request: UndiciRequest): SpanRecord {
    const path = typeof request.path === 'string' ? request.path : '/';
    return exitSpans.begin(parent, String(request.method ?? 'GET'), String(request.origin ?? ''), path, channelHandler);
  }

  function responded({ request, response }: UndiciMessage): void {
    const span = request === undefined ? undefined : spans.get(request);
    if (span === undefined || typeof response?.statusCode !== 'number' || response.statusCode < 200) return;
    exitSpans.responded(span, response.statusCode);
    if (exitSpans.captures) captureIn(span, listOf(response.headers));
  }

  function captureIn(span: SpanRecord, list: readonly unknown[]): void {
    exitSpans.capture(span, (name) => valuesInList(list, name));
  }

  function completed({ request }: UndiciMessage): void {
    const span = request === undefined ? undefined : spans.get(request);
    if (span !== undefined) exitSpans.end(span, true);
  }

  function failed({ request, error }: UndiciMessage): void {
    const span = request === undefined ? undefined : spans.get(request);
    if (span === undefined) return;
    const responded = span.http !== null && span.http.headTick > 0;
    // A body that the application gave up after it had seen the head is no failure of the call.
    if (responded && (error as { name?: unknown } | null)?.name === 'AbortError') exitSpans.end(span, false);
    else exitSpans.fail(span, error);
  }

  const quietly =
    (handle: (message: UndiciMessage) => void) =>
    (message: unknown): void => {
      try {
        if (!breaker.isOpen && typeof message === 'object' && message !== null) handle(message);
      } catch (error) {
        breaker.record(error);
      }
    };
  const channelHandler = quietly(created);
  return {
    'undici:request:create': channelHandler,
    'undici:request:headers': quietly(responded),
    'undici:request:trailers': quietly(completed),
    'undici:request:error': quietly(failed),
  };
}

/** Headers as a flat list; they are a text of lines or a list of names and values, of texts or bytes, by undici's version. */
function listOf(headers: unknown): unknown[] {
  if (Array.isArray(headers)) return headers.map((one) => (Array.isArray(one) ? one.map(String) : String(one)));
  if (typeof headers !== 'string') return [];
  return headers.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

/** Those of `added` that may be added; a trace context that they replace is taken out of undici's own copy of the headers. */
function settle(
  request: UndiciRequest,
  added: readonly string[],
  exit: InstrumentationContext['exitSpans'],
): readonly string[] {
  const { headers } = request;
  const present = inPairs(listOf(headers));
  const merged = mergeTraceHeaders(present, added, exit);
  const { application } = merged;
  if (application === present) return merged.added;
  if (Array.isArray(headers)) headers.splice(0, headers.length, ...application.flat());
  else request.headers = application.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return merged.added;
}

export const fetchClient: ChannelInstrumentation = { name: 'fetch', presets: httpPresets, channels };
