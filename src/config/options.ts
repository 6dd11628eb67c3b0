// Every option once: name, environment variable, default, meaning. Environment wins over code, code over the agent, the agent over the default.
// Long: one table, and the types of its values; a new option is one row and one member of each type.
import { type Logger, type LogLevel, logLevels } from '../core/log.js';
import { type IgnoreEndpoints, ignoreEndpoints } from './ignore-endpoints.js';
import {
  boolean,
  disabled,
  disabledByPresence,
  errorStatuses,
  headerNames,
  hostName,
  integer,
  type OtlpMode,
  oneOf,
  otlpMode,
  type SecretsConfig,
  type SecretsMatcher,
  secrets,
  secretsMatchers,
  stackTraceLength,
  text,
} from './parsers.js';
import type { Option } from './resolve.js';

export type { IgnoreEndpoints, IgnoreRule } from './ignore-endpoints.js';
export type { InstrumentationGroup, OtlpMode, SecretsConfig, SecretsMatcher } from './parsers.js';
export type { Option } from './resolve.js';

export type StackTraceMode = 'all' | 'error' | 'none';

/** What `configure()` takes; every member may be absent. Wrong values are reported on the log and ignored. */
export interface SensorOptions {
  serviceName?: string;
  serviceInstanceId?: string;
  agentHost?: string;
  agentPort?: number;
  eumApiKey?: string;
  packageJsonPath?: string;
  logLevel?: LogLevel;
  logger?: Logger;
  secrets?: { matcher: SecretsMatcher; keywords: string[] };
  tracing?: {
    enabled?: boolean;
    extraHttpHeaders?: string[];
    /** By service (`http`): methods, or rules of which all criteria have to match. */
    ignoreEndpoints?: Record<string, (string | { methods?: string[]; endpoints?: string[]; connections?: string[] })[]>;
    ignoreEndpointsDisableSuppression?: boolean;
    disable?: boolean | string[] | { instrumentations?: string[]; groups?: string[] };
    maxRequestMs?: number;
    stackTrace?: StackTraceMode;
    stackTraceLength?: number;
    w3c?: { read?: boolean; write?: boolean };
    httpExit?: { classifyAll4xxAsErrors?: boolean; classifyAsErrors?: number[] };
    otlp?: { enabled?: OtlpMode };
  };
  metrics?: { enabled?: boolean; intervalMs?: number; otlp?: { enabled?: boolean } };
}

/** The values in force, all of them present and of the right kind. */
export interface Config {
  readonly serviceName: string | null;
  readonly serviceInstanceId: string | null;
  readonly agentHost: string;
  readonly agentPort: number;
  /** Whether the host was configured: then the default gateway is not tried. */
  readonly agentHostConfigured: boolean;
  readonly eumApiKey: string | null;
  readonly packageJsonPath: string | null;
  readonly logLevel: LogLevel;
  readonly secrets: SecretsConfig;
  readonly tracing: {
    readonly enabled: boolean;
    /** False with `INSTANA_DISABLE_AUTO_INSTR`: nothing is patched, manual spans work. */
    readonly automatic: boolean;
    readonly extraHttpHeaders: readonly string[];
    readonly ignoreEndpoints: IgnoreEndpoints;
    readonly ignoreEndpointsDisableSuppression: boolean;
    /** Instrumentations and groups that are switched off; `!` before a name exempts it from its group. */
    readonly disable: readonly string[];
    readonly maxRequestMs: number;
    readonly stackTrace: StackTraceMode;
    readonly stackTraceLength: number;
    readonly w3c: { readonly read: boolean; readonly write: boolean };
    readonly httpExit: { readonly classifyAll4xxAsErrors: boolean; readonly classifyAsErrors: readonly number[] };
    readonly otlp: { readonly enabled: OtlpMode };
  };
  readonly metrics: {
    readonly enabled: boolean;
    readonly intervalMs: number;
    /** Null: when the agent's response or a variable of `OTEL_EXPORTER_OTLP_*` names a receiver. */
    readonly otlp: { readonly enabled: boolean | null };
  };
}

/** The option table; Configuration.md is compared with it by a test. */
export const options: readonly Option[] = [
  {
    name: 'serviceName',
    env: ['INSTANA_SERVICE_NAME'],
    default: null,
    expected: 'text',
    meaning: 'Name of the service, sent with every span. If unset, Instana derives it from the package name.',
    parse: text,
  },
  {
    name: 'serviceInstanceId',
    env: [],
    default: null,
    expected: 'text',
    meaning:
      'Name of this process among those of its service, for OTLP. If unset: `service.instance.id` of `OTEL_RESOURCE_ATTRIBUTES`, then host name and pid.',
    parse: text,
  },
  {
    name: 'agentHost',
    env: ['INSTANA_AGENT_HOST', 'INSTANA_AGENT_IP'],
    default: '127.0.0.1',
    expected: 'a host name or IP address',
    meaning: 'Host of the Instana agent. If unset, the default gateway is tried after 127.0.0.1.',
    parse: hostName,
  },
  {
    name: 'agentPort',
    env: ['INSTANA_AGENT_PORT'],
    default: 42699,
    expected: 'a port, 1 to 65535',
    meaning: 'Port of the Instana agent.',
    parse: integer(1, 65535),
  },
  {
    name: 'eumApiKey',
    env: ['INSTANA_EUM_API_KEY'],
    default: null,
    expected: 'text',
    meaning: "The website's key for end-user monitoring.",
    parse: text,
  },
  {
    name: 'packageJsonPath',
    env: ['INSTANA_PACKAGE_JSON_PATH'],
    default: null,
    expected: 'a path',
    meaning: "The application's package.json, if it is not in the main module's folder or above.",
    parse: text,
  },
  {
    name: 'logLevel',
    env: ['INSTANA_LOG_LEVEL'],
    default: 'info',
    expected: logLevels.join(', '),
    meaning: 'Lowest severity that is logged. `INSTANA_DEBUG` and `INSTANA_DEV`, with any value, mean debug.',
    parse: oneOf(logLevels),
  },
  {
    name: 'secrets',
    env: ['INSTANA_SECRETS'],
    default: { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] },
    expected: '`matcher:word,word` or `none`; in code `{ matcher, keywords }`',
    meaning: `Which names are secret: see below. Matchers: ${secretsMatchers.join(', ')}.`,
    agent: 'secrets',
    parse: secrets,
  },
  {
    name: 'tracing.enabled',
    env: ['INSTANA_TRACING_ENABLED'],
    default: true,
    expected: 'true or false',
    meaning: 'Whether spans are recorded. Runtime metrics are not affected.',
    parse: boolean,
  },
  {
    name: 'tracing.extraHttpHeaders',
    env: ['INSTANA_EXTRA_HTTP_HEADERS'],
    default: [],
    expected: 'names, separated by `;` or `,`',
    meaning: 'HTTP headers to record with the spans of requests; names are case-insensitive.',
    agent: 'tracing.extra-http-headers',
    parse: headerNames,
  },
  {
    name: 'tracing.ignoreEndpoints',
    env: ['INSTANA_IGNORE_ENDPOINTS'],
    default: {},
    expected: '`service:method,method;…`; in code `{ service: [rules] }`',
    meaning: 'Requests that are not traced: see below.',
    agent: 'tracing.ignore-endpoints',
    parse: ignoreEndpoints,
  },
  {
    name: 'tracing.ignoreEndpointsDisableSuppression',
    env: ['INSTANA_IGNORE_ENDPOINTS_DISABLE_SUPPRESSION'],
    default: false,
    expected: 'true or false',
    meaning: 'The requests that an ignored request makes are still traced, below its caller.',
    parse: boolean,
  },
  {
    name: 'tracing.disable',
    env: ['INSTANA_TRACING_DISABLE'],
    default: [],
    expected: 'true, false, or names separated by `,` or `;`',
    meaning: 'Instrumentations and groups to switch off: see below. True: no spans at all.',
    agent: 'tracing.disable',
    parse: disabled,
  },
  {
    name: 'tracing.maxRequestMs',
    env: ['INSTANA_TRACING_MAX_REQUEST_MS'],
    default: 300_000,
    expected: 'milliseconds, 1 to 86400000',
    meaning:
      'How long no byte of a request may be sent or received before its span is sent, marked as unfinished: see below.',
    parse: integer(1, 86_400_000),
  },
  {
    name: 'tracing.stackTrace',
    env: ['INSTANA_STACK_TRACE'],
    default: 'all',
    expected: 'all, error, none',
    meaning: 'Which spans carry stack frames: outgoing and manual spans and errors, errors only, or none.',
    agent: 'tracing.global.stack-trace',
    parse: oneOf(['all', 'error', 'none']),
  },
  {
    name: 'tracing.stackTraceLength',
    env: ['INSTANA_STACK_TRACE_LENGTH'],
    default: 10,
    expected: 'a number, at most 500',
    meaning: 'Maximum number of stack frames in a span.',
    agent: 'tracing.global.stack-trace-length',
    parse: stackTraceLength,
  },
  {
    name: 'tracing.w3c.read',
    env: [
      'INSTANA_TRACING_DISABLE_W3C',
      'INSTANA_TRACING_DISABLE_W3C_CORRELATION',
      'INSTANA_DISABLE_W3C_TRACE_CORRELATION',
    ],
    default: true,
    expected: 'true or false; a variable with any value means false',
    meaning: 'Continues the trace of a `traceparent` header. If false, the header is only passed on.',
    parse: boolean,
    parseEnv: disabledByPresence,
  },
  {
    name: 'tracing.w3c.write',
    env: ['INSTANA_TRACING_DISABLE_W3C', 'INSTANA_TRACING_DISABLE_W3C_PROPAGATION'],
    default: true,
    expected: 'true or false; a variable with any value means false',
    meaning: 'Adds `traceparent`, `tracestate` and a received `baggage` to outgoing requests.',
    parse: boolean,
    parseEnv: disabledByPresence,
  },
  {
    name: 'tracing.httpExit.classifyAll4xxAsErrors',
    env: ['INSTANA_TRACING_HTTP_EXIT_CLASSIFY_ALL_4XX_AS_ERRORS'],
    default: false,
    expected: 'true or false',
    meaning: 'Outgoing requests with a response status of 400 to 499 count as errors.',
    agent: 'tracing.http.exit.classify-all-4xx-as-errors',
    parse: boolean,
  },
  {
    name: 'tracing.httpExit.classifyAsErrors',
    env: ['INSTANA_TRACING_HTTP_EXIT_CLASSIFY_AS_ERRORS'],
    default: [],
    expected: 'statuses, 400 to 499, separated by `,`',
    meaning:
      'Outgoing requests with one of these response statuses count as errors; takes precedence over the option above.',
    agent: 'tracing.http.exit.classify-as-errors',
    parse: errorStatuses,
  },
  {
    name: 'tracing.otlp.enabled',
    env: ['INSTANA_TRACING_OTLP_ENABLED'],
    default: false,
    expected: 'false, true, both',
    meaning: "Whether spans are sent as OTLP/JSON, instead of the agent's protocol or in addition to it: see below.",
    agent: 'tracing.otlp.enabled',
    parse: otlpMode,
  },
  {
    name: 'metrics.enabled',
    env: ['INSTANA_METRICS_ENABLED'],
    default: true,
    expected: 'true or false',
    meaning: 'Runtime metrics. If false, the agent only gets a sign of life every second.',
    parse: boolean,
  },
  {
    name: 'metrics.intervalMs',
    env: ['INSTANA_METRICS_TRANSMISSION_DELAY'],
    default: 1000,
    expected: 'milliseconds, 100 to 5000',
    meaning: 'Time between two samples.',
    parse: integer(100, 5000),
  },
  {
    name: 'metrics.otlp.enabled',
    env: ['INSTANA_METRICS_OTLP_ENABLED'],
    default: null,
    expected: 'true or false',
    meaning:
      'Whether metrics are also sent as OTLP/JSON. If unset: when the agent offers it, or an OTLP endpoint is set; see below.',
    parse: boolean,
  },
];
