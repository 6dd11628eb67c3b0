// Where OTLP is sent and how often: reads OpenTelemetry's variables, and warns of each invalid value.
import { bracketed } from '../core/bracketed.js';

export type OtlpSignal = 'metrics' | 'traces';

export interface OtlpSettings {
  /** Where to post to, without user and password; null without an endpoint and an agent. */
  readonly url: string | null;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long to wait for a response. */
  readonly timeoutMs: number;
  /** Time between two exports. */
  readonly intervalMs: number;
  /** Whether a variable names the endpoint: then no agent is needed. */
  readonly isConfigured: boolean;
}

/** Where the agent receives OTLP, at the port that it announced. */
export interface OtlpAgent {
  readonly host: string;
  readonly port: number;
}

type Warn = (message: string) => void;

const defaultPort = 4318;
const defaultTimeoutMs = 10_000;
const defaultIntervalMs: Readonly<Record<OtlpSignal, number>> = { metrics: 10_000, traces: 1000 };
const maxMs = 86_400_000;
const maxHeadersLength = 16_384;
const headerName = /^[!#$%&'*+\-.^_`|~\w]{1,100}$/;
/** A valid header value, without leading and trailing blanks. */
const headerValue = /^[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?$/;
/** Headers that the client writes itself. */
const signalHeaders: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'accept',
  'user-agent',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'upgrade',
]);

/** The port in the agent's response to the announcement, 4318 without one. */
export function otlpPort(announceResponse: unknown): number {
  const { tracing } = Object(announceResponse) as { tracing?: unknown };
  const { otlp } = Object(tracing) as { otlp?: unknown };
  const { port } = Object(otlp) as { port?: unknown };
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : defaultPort;
}

/** Warns of an invalid value and takes the next source; no warning shows a value that may hold a credential. Never throws. */
export function readOtlpSettings(
  env: NodeJS.ProcessEnv,
  signal: OtlpSignal,
  agent: OtlpAgent | null,
  warn: Warn,
): OtlpSettings {
  const name = signal.toUpperCase();
  const endpoint = readEndpoint(env, signal, warn);
  const credentials: Record<string, string> = Object.create(null);
  if (endpoint !== null && (endpoint.username !== '' || endpoint.password !== '')) {
    credentials['authorization'] = basic(endpoint);
    endpoint.username = '';
    endpoint.password = '';
  }
  return {
    url: endpoint?.href ?? agentUrl(agent, signal),
    headers: {
      ...credentials,
      // They belong to the endpoint of the same variables, and may be credentials for it: the agent does not get them.
      ...(endpoint === null ? {} : readHeaders(env, 'OTEL_EXPORTER_OTLP_HEADERS', warn)),
      ...(endpoint === null ? {} : readHeaders(env, `OTEL_EXPORTER_OTLP_${name}_HEADERS`, warn)),
    },
    timeoutMs:
      readMs(env, `OTEL_EXPORTER_OTLP_${name}_TIMEOUT`, warn) ??
      readMs(env, 'OTEL_EXPORTER_OTLP_TIMEOUT', warn) ??
      defaultTimeoutMs,
    intervalMs:
      (signal === 'metrics' ? readMs(env, 'OTEL_METRIC_EXPORT_INTERVAL', warn, 100) : undefined) ??
      defaultIntervalMs[signal],
    isConfigured: endpoint !== null,
  };
}

function readEndpoint(env: NodeJS.ProcessEnv, signal: OtlpSignal, warn: Warn): URL | null {
  const name = signal.toUpperCase();
  const own = readUrl(env, `OTEL_EXPORTER_OTLP_${name}_ENDPOINT`, warn);
  const general = own === null ? readUrl(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', warn) : null;
  if (general !== null) general.pathname = `${general.pathname.replace(/\/+$/, '')}/v1/${signal}`;
  const endpoint = own ?? general;
  const variable = [`OTEL_EXPORTER_OTLP_${name}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL'].find((known) => env[known]);
  if (endpoint === null || variable === undefined || env[variable]?.trim().toLowerCase() !== 'grpc') return endpoint;
  warn(`${variable} is "grpc", expected "http/json"; the endpoint for OTLP ${signal} is not used`);
  return null;
}

function readUrl(env: NodeJS.ProcessEnv, variable: string, warn: Warn): URL | null {
  const text = env[variable]?.trim();
  if (text === undefined || text === '') return null;
  try {
    const url = new URL(text);
    url.hash = '';
    if ((url.protocol === 'http:' || url.protocol === 'https:') && url.port !== '0') return url;
  } catch {
    // Not shown: it may hold a password.
  }
  warn(`${variable} is not a URL that can be used, expected http://host:port or https://host:port; it is ignored`);
  return null;
}

function agentUrl(agent: OtlpAgent | null, signal: OtlpSignal): string | null {
  if (agent === null) return null;
  return `http://${bracketed(agent.host)}:${agent.port}/v1/${signal}`;
}

function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64')}`;
}

/** `name=value,name=value`, values percent-encoded (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). */
function readHeaders(env: NodeJS.ProcessEnv, variable: string, warn: Warn): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  let lengthLeft = maxHeadersLength;
  for (const [index, pair] of (env[variable] ?? '').split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim().toLowerCase();
    const value = decode(pair.slice(equals + 1).trim());
    lengthLeft -= name.length + value.length;
    if (headerName.test(name) && !signalHeaders.has(name) && headerValue.test(value) && lengthLeft >= 0) {
      headers[name] = value;
    } else {
      const which = headerName.test(name) ? `"${name}"` : `number ${index + 1}`;
      warn(`${variable}: header ${which} cannot be sent, expected name=value,name=value; it is left out`);
    }
  }
  return headers;
}

function readMs(env: NodeJS.ProcessEnv, variable: string, warn: Warn, minMs = 1): number | undefined {
  const text = env[variable]?.trim();
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= minMs && value <= maxMs) return value;
  const shown = /^[\w.+-]{1,20}$/.test(text) ? `"${text}"` : 'not a number';
  warn(`${variable} is ${shown}, expected milliseconds, ${minMs} to ${maxMs}; it is ignored`);
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
