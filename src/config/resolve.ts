// Finds the value of an option: the first valid one of environment, code, the agent's response and the default.
import { tryGet } from '../core/try-get.js';
import { at } from './nested.js';
import { disabled, isGroup, type WarnFn } from './parsers.js';

/** One option, as in Configuration.md. `parse` returns undefined for an invalid value, and warns of an invalid part. */
export interface Option {
  readonly name: string;
  /** Environment variables, the first that is set wins. */
  readonly env: readonly string[];
  readonly default: unknown;
  readonly expected: string;
  readonly meaning: string;
  /** Its place in the agent's response to the announcement, if it has one. */
  readonly agent?: string;
  parse(value: unknown, warn: WarnFn): unknown;
  /** For variables that do not hold the option's value; other variables are parsed like code. */
  parseEnv?(value: string): unknown;
}

/** Text that may appear in the log: it excludes `@`, so it cannot hold credentials of a URL. */
const harmlessText = /^(?!.*(?:key|pass|secret|token))[\w .,:;/*!$^|()[\]+<>-]{0,100}$/i;

export type Source = 'env' | 'code' | 'agent' | 'default';

export interface Resolved {
  readonly value: unknown;
  readonly source: Source;
}

/** The value and its source; warns of each invalid one on the way. */
export function resolve(
  option: Option,
  env: NodeJS.ProcessEnv,
  code: unknown,
  agentResponse: unknown,
  warn: (message: string) => void,
): Resolved {
  /** Options are untrusted input: a value that throws when it is read is invalid. */
  const parse = (value: unknown, where: string): unknown => {
    const unusable: string[] = [];
    const parsed = tryGet(() => option.parse(value, (message) => unusable.push(message)), undefined);
    if (parsed === undefined)
      warn(`${where} is ${show(option.name, value)}, expected ${option.expected}; it is ignored`);
    else if (unusable.length > 0) warn(`${where}: ${unusable.join('; ')}`);
    return parsed;
  };
  for (const variable of option.env) {
    const raw = env[variable];
    if (!isSet(raw)) continue;
    if (variable === 'INSTANA_AGENT_IP') warn('INSTANA_AGENT_IP is deprecated, use INSTANA_AGENT_HOST');
    const value = option.parseEnv === undefined ? parse(raw, variable) : option.parseEnv(raw);
    if (value !== undefined) return { value, source: 'env' };
  }
  const inCode = tryGet(() => at(code, option.name), undefined);
  const fromCode = inCode === undefined ? undefined : parse(inCode, `option ${option.name}`);
  if (fromCode !== undefined) return { value: fromCode, source: 'code' };
  const inResponse = agentValue(option, agentResponse);
  const fromAgent = inResponse === undefined ? undefined : parse(inResponse, `the agent's ${option.agent}`);
  if (fromAgent !== undefined) return { value: fromAgent, source: 'agent' };
  return { value: option.default, source: 'default' };
}

function agentValue(option: Option, response: unknown): unknown {
  if (option.agent === undefined) return undefined;
  const value = at(response, option.agent);
  if (value !== undefined || option.name !== 'tracing.extraHttpHeaders') return value ?? undefined;
  // The list of older agents counts only when there is no tracing section at all.
  return at(response, 'tracing') === undefined ? (at(response, 'extraHeaders') ?? undefined) : undefined;
}

/** The value for the log, without secrets; of objects and keys only their kind. */
function show(name: string, value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value !== 'string' || /key/i.test(name)) return `a ${typeof value}`;
  return harmlessText.test(value) ? JSON.stringify(value) : 'a text that is not shown here';
}

const sources: readonly Source[] = ['env', 'code', 'agent', 'default'];

/** Whether tracing is on. Two options for one switch: the stronger source decides; within one source both must agree to have it on. */
export function readEnabled(enabled: Resolved, disable: Resolved): boolean {
  if (typeof disable.value !== 'boolean') return enabled.value === true;
  const difference = sources.indexOf(disable.source) - sources.indexOf(enabled.source);
  if (difference === 0) return enabled.value === true && !disable.value;
  return difference < 0 ? !disable.value : enabled.value === true;
}

/** The names of `tracing.disable`. Two more variables each replace one half of the list; with any of the three, other sources do not count. */
export function readDisabled({ value, source }: Resolved, env: NodeJS.ProcessEnv): readonly string[] {
  const instrumentations = namesOf(env['INSTANA_TRACING_DISABLE_INSTRUMENTATIONS']);
  const groups = namesOf(env['INSTANA_TRACING_DISABLE_GROUPS']);
  const list = Array.isArray(value) ? (value as string[]) : []; // what `parse` makes
  if (instrumentations === undefined && groups === undefined) return list;
  const inEnv = source === 'env' ? list : [];
  return [
    ...(instrumentations ?? inEnv.filter((name) => !isGroup(name))),
    ...(groups ?? inEnv.filter((name) => isGroup(name))),
  ];
}

function namesOf(variable: string | undefined): string[] | undefined {
  const names = isSet(variable) ? disabled(`${variable},`) : undefined;
  return Array.isArray(names) ? names : undefined;
}

export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
