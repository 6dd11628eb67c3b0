// Every option once: name, environment variable, default, meaning. Environment wins over code, code over the agent, the agent over the default.
import { type Logger, type LogLevel, logLevels } from './log.js';

export type SecretsMatcher = 'equals' | 'equals-ignore-case' | 'contains' | 'contains-ignore-case' | 'regex' | 'none';
export const secretsMatchers: readonly SecretsMatcher[] = [
  'equals',
  'equals-ignore-case',
  'contains',
  'contains-ignore-case',
  'regex',
  'none',
];

export interface SecretsConfig {
  readonly matcher: SecretsMatcher;
  readonly keywords: readonly string[];
}

export type StackTraceMode = 'all' | 'error' | 'none';

/** What `configure()` takes; every member may be absent. Wrong values are reported on the log and ignored. */
export interface SensorOptions {
  serviceName?: string;
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
    maxRequestMs?: number;
    stackTrace?: StackTraceMode;
    stackTraceLength?: number;
    w3c?: { read?: boolean; write?: boolean };
    httpExit?: { classifyAll4xxAsErrors?: boolean; classifyAsErrors?: number[] };
  };
  metrics?: { enabled?: boolean; intervalMs?: number };
}

/** The values in force, all of them present and of the right kind. */
export interface Config {
  readonly serviceName: string | null;
  readonly agentHost: string;
  readonly agentPort: number;
  /** Whether somebody named a host: then the default gateway is not tried. */
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
    readonly maxRequestMs: number;
    readonly stackTrace: StackTraceMode;
    readonly stackTraceLength: number;
    readonly w3c: { readonly read: boolean; readonly write: boolean };
    readonly httpExit: { readonly classifyAll4xxAsErrors: boolean; readonly classifyAsErrors: readonly number[] };
  };
  readonly metrics: { readonly enabled: boolean; readonly intervalMs: number };
}

/** One option, as Configuration.md has it. `parse` returns undefined for a value that cannot be used. */
export interface Option {
  readonly name: string;
  /** Environment variables, the first that is set wins. */
  readonly env: readonly string[];
  readonly default: unknown;
  readonly expected: string;
  readonly meaning: string;
  /** Where the announce answer of the agent has it, if it does. */
  readonly agent?: string;
  parse(value: unknown): unknown;
  /** For variables that do not hold the option's value; else they are read as code is. */
  parseEnv?(value: string): unknown;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function flag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const word = value.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : undefined;
}

/** A variable that turns something off by being there. */
function off(): boolean {
  return false;
}

function whole(minimum: number, maximum: number): (value: unknown) => number | undefined {
  return (value) => {
    const number = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
    return number >= minimum && number <= maximum ? number : undefined;
  };
}

function oneOf<Word extends string>(words: readonly Word[]): (value: unknown) => Word | undefined {
  return (value) => {
    const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return words.find((known) => known === word);
  };
}

function strings(value: unknown): string[] | undefined {
  const list = typeof value === 'string' ? value.split(/[;,]/) : value;
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((entry) => (typeof entry === 'string' && entry.trim() !== '' ? [entry.trim()] : []));
}

function headerNames(value: unknown): string[] | undefined {
  return strings(value)?.map((name) => name.toLowerCase());
}

function errorStatuses(value: unknown): number[] | undefined {
  const list = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(list)) return undefined;
  return list.map(Number).filter((status) => Number.isInteger(status) && status >= 400 && status <= 499);
}

function hostName(value: unknown): string | undefined {
  const host = text(value);
  if (host === undefined || !/^[\w.:[\]-]{1,253}$/.test(host)) return undefined;
  return host;
}

function secrets(value: unknown): SecretsConfig | undefined {
  if (typeof value === 'string') return secretsFromText(value);
  if (typeof value !== 'object' || value === null) return undefined;
  const { matcher, keywords, list } = value as { matcher?: unknown; keywords?: unknown; list?: unknown };
  const words = keywords ?? list;
  const known = secretsMatchers.find((candidate) => candidate === matcher);
  if (known === 'none') return { matcher: 'none', keywords: [] };
  if (known === undefined || !Array.isArray(words)) return undefined;
  return { matcher: known, keywords: words.filter((word) => typeof word === 'string') };
}

/** `matcher:word,word` or `none`, the form of the environment variable. */
function secretsFromText(value: string): SecretsConfig | undefined {
  const colon = value.indexOf(':');
  const name = (colon < 0 ? value : value.slice(0, colon)).trim();
  if (name === 'none') return { matcher: 'none', keywords: [] };
  if (colon < 0) return undefined;
  const matcher = secretsMatchers.find((candidate) => candidate === name) ?? 'contains-ignore-case';
  return { matcher, keywords: strings(value.slice(colon + 1).replaceAll(';', ' ')) ?? [] };
}

function stackTraceLength(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return Math.min(500, Math.round(Math.abs(number)));
}

/** The option table; Configuration.md is compared with it by a test. */
export const options: readonly Option[] = [
  {
    name: 'serviceName',
    env: ['INSTANA_SERVICE_NAME'],
    default: null,
    expected: 'text',
    meaning: 'Name of the service, sent with every span. Absent: Instana derives it from the package name.',
    parse: text,
  },
  {
    name: 'agentHost',
    env: ['INSTANA_AGENT_HOST', 'INSTANA_AGENT_IP'],
    default: '127.0.0.1',
    expected: 'a host name or IP address',
    meaning: 'Host of the Instana agent. When it is not set, the default gateway is tried after 127.0.0.1.',
    parse: hostName,
  },
  {
    name: 'agentPort',
    env: ['INSTANA_AGENT_PORT'],
    default: 42699,
    expected: 'a port, 1 to 65535',
    meaning: 'Port of the Instana agent.',
    parse: whole(1, 65535),
  },
  {
    name: 'eumApiKey',
    env: ['INSTANA_EUM_API_KEY'],
    default: null,
    expected: 'text',
    meaning: 'Key of the website for end user monitoring.',
    parse: text,
  },
  {
    name: 'packageJsonPath',
    env: ['INSTANA_PACKAGE_JSON_PATH'],
    default: null,
    expected: 'a path',
    meaning: "The application's package.json, when it is not found upward from the main module.",
    parse: text,
  },
  {
    name: 'logLevel',
    env: ['INSTANA_LOG_LEVEL'],
    default: 'info',
    expected: logLevels.join(', '),
    meaning: 'Least severity that is written. `INSTANA_DEBUG` and `INSTANA_DEV`, with any value, mean debug.',
    parse: oneOf(logLevels),
  },
  {
    name: 'secrets',
    env: ['INSTANA_SECRETS'],
    default: { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] },
    expected: '`matcher:word,word` or `none`; in code `{ matcher, keywords }`',
    meaning: `Which query parameters are redacted before they leave the process. Matchers: ${secretsMatchers.join(', ')}.`,
    agent: 'secrets',
    parse: secrets,
  },
  {
    name: 'tracing.enabled',
    env: ['INSTANA_TRACING_ENABLED'],
    default: true,
    expected: 'true or false',
    meaning: 'Turns all tracing off; the runtime metrics stay. `INSTANA_TRACING_DISABLE=true` is the same.',
    parse: flag,
  },
  {
    name: 'tracing.extraHttpHeaders',
    env: ['INSTANA_EXTRA_HTTP_HEADERS'],
    default: [],
    expected: 'names, separated by `;` or `,`',
    meaning: 'HTTP headers that are recorded with the spans of requests, names without regard to case.',
    agent: 'tracing.extra-http-headers',
    parse: headerNames,
  },
  {
    name: 'tracing.maxRequestMs',
    env: ['INSTANA_TRACING_MAX_REQUEST_MS'],
    default: 300_000,
    expected: 'milliseconds, 1 to 86400000',
    meaning: 'How long a request may stay unanswered before its span is sent, marked as unfinished.',
    parse: whole(1, 86_400_000),
  },
  {
    name: 'tracing.stackTrace',
    env: ['INSTANA_STACK_TRACE'],
    default: 'all',
    expected: 'all, error, none',
    meaning: 'Which spans carry stack frames: outgoing and manual ones and errors, errors only, or none.',
    agent: 'tracing.global.stack-trace',
    parse: oneOf(['all', 'error', 'none']),
  },
  {
    name: 'tracing.stackTraceLength',
    env: ['INSTANA_STACK_TRACE_LENGTH'],
    default: 10,
    expected: 'a number, at most 500',
    meaning: 'Most stack frames in a span.',
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
    meaning: 'Joins the trace of a `traceparent` header. Without it, that trace is only passed on.',
    parse: flag,
    parseEnv: off,
  },
  {
    name: 'tracing.w3c.write',
    env: ['INSTANA_TRACING_DISABLE_W3C', 'INSTANA_TRACING_DISABLE_W3C_PROPAGATION'],
    default: true,
    expected: 'true or false; a variable with any value means false',
    meaning: 'Adds `traceparent`, `tracestate` and a received `baggage` to outgoing requests.',
    parse: flag,
    parseEnv: off,
  },
  {
    name: 'tracing.httpExit.classifyAll4xxAsErrors',
    env: ['INSTANA_TRACING_HTTP_EXIT_CLASSIFY_ALL_4XX_AS_ERRORS'],
    default: false,
    expected: 'true or false',
    meaning: 'Outgoing requests answered with a status of 400 to 499 count as errors.',
    agent: 'tracing.http.exit.classify-all-4xx-as-errors',
    parse: flag,
  },
  {
    name: 'tracing.httpExit.classifyAsErrors',
    env: ['INSTANA_TRACING_HTTP_EXIT_CLASSIFY_AS_ERRORS'],
    default: [],
    expected: 'statuses, 400 to 499, separated by `,`',
    meaning: 'Outgoing requests answered with one of these statuses count as errors; wins over the option above.',
    agent: 'tracing.http.exit.classify-as-errors',
    parse: errorStatuses,
  },
  {
    name: 'metrics.enabled',
    env: ['INSTANA_METRICS_ENABLED'],
    default: true,
    expected: 'true or false',
    meaning: 'Runtime metrics. Without them the agent is still told once a second that the process lives.',
    parse: flag,
  },
  {
    name: 'metrics.intervalMs',
    env: ['INSTANA_METRICS_TRANSMISSION_DELAY'],
    default: 1000,
    expected: 'milliseconds, 100 to 5000',
    meaning: 'Time between two samples.',
    parse: whole(100, 5000),
  },
];

/** Reads a dotted path of own members; undefined when any step is missing. */
export function at(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/** Merges the sources into one frozen object. `agentAnswer` is the announce answer, or undefined before there is one. */
export function readConfig(
  env: NodeJS.ProcessEnv,
  code: unknown,
  agentAnswer: unknown,
  warn: (message: string) => void,
): Config {
  const value = (name: string): { value: unknown; source: 'env' | 'code' | 'agent' | 'default' } => {
    const option = options.find((candidate) => candidate.name === name);
    if (option === undefined) throw new Error(`no such option: ${name}`);
    return resolve(option, env, code, agentAnswer, warn);
  };
  const get = <T>(name: string): T => value(name).value as T; // `parse` and `default` of the row have this type
  const host = value('agentHost');
  return deepFreeze<Config>({
    serviceName: get('serviceName'),
    agentHost: host.value as string,
    agentPort: get('agentPort'),
    agentHostConfigured: host.source !== 'default',
    eumApiKey: get('eumApiKey'),
    packageJsonPath: get('packageJsonPath'),
    logLevel: isSet(env['INSTANA_DEBUG']) || isSet(env['INSTANA_DEV']) ? 'debug' : get('logLevel'),
    secrets: get('secrets'),
    tracing: {
      enabled: flag(env['INSTANA_TRACING_DISABLE']) === true ? false : get('tracing.enabled'),
      automatic: !isSet(env['INSTANA_DISABLE_AUTO_INSTR']),
      extraHttpHeaders: get('tracing.extraHttpHeaders'),
      maxRequestMs: get('tracing.maxRequestMs'),
      stackTrace: get('tracing.stackTrace'),
      stackTraceLength: get('tracing.stackTraceLength'),
      w3c: { read: get('tracing.w3c.read'), write: get('tracing.w3c.write') },
      httpExit: {
        classifyAll4xxAsErrors: get('tracing.httpExit.classifyAll4xxAsErrors'),
        classifyAsErrors: get('tracing.httpExit.classifyAsErrors'),
      },
    },
    metrics: { enabled: get('metrics.enabled'), intervalMs: get('metrics.intervalMs') },
  });
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function resolve(
  option: Option,
  env: NodeJS.ProcessEnv,
  code: unknown,
  agentAnswer: unknown,
  warn: (message: string) => void,
): { value: unknown; source: 'env' | 'code' | 'agent' | 'default' } {
  const refuse = (where: string, value: unknown): void =>
    warn(`${where} is ${show(value)}, expected ${option.expected}; it is ignored`);
  for (const variable of option.env) {
    const raw = env[variable];
    if (!isSet(raw)) continue;
    if (variable === 'INSTANA_AGENT_IP') warn('INSTANA_AGENT_IP is deprecated, use INSTANA_AGENT_HOST');
    const value = option.parseEnv === undefined ? option.parse(raw) : option.parseEnv(raw as string); // it is set
    if (value !== undefined) return { value, source: 'env' };
    refuse(variable, raw);
  }
  const inCode = read(() => at(code, option.name));
  if (inCode !== undefined) {
    const value = read(() => option.parse(inCode));
    if (value !== undefined) return { value, source: 'code' };
    refuse(`option ${option.name}`, inCode);
  }
  const fromAgent = agentValue(option, agentAnswer);
  if (fromAgent !== undefined) {
    const value = read(() => option.parse(fromAgent));
    if (value !== undefined) return { value, source: 'agent' };
    refuse(`the agent's ${option.agent}`, fromAgent);
  }
  return { value: option.default, source: 'default' };
}

function agentValue(option: Option, answer: unknown): unknown {
  if (option.agent === undefined) return undefined;
  const value = at(answer, option.agent);
  if (value !== undefined || option.name !== 'tracing.extraHttpHeaders') return value ?? undefined;
  // The list of older agents counts only when there is no tracing section at all.
  return at(answer, 'tracing') === undefined ? (at(answer, 'extraHeaders') ?? undefined) : undefined;
}

/** Options come from strangers: a getter or a proxy that throws counts as absent. */
function read(get: () => unknown): unknown {
  try {
    return get();
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return typeof value;
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) deepFreeze(member);
  }
  return Object.freeze(value);
}
