// Merges the sources of every option into the configuration in force.
import type { IgnoreEndpoints } from './ignore-endpoints.js';
import { toNested } from './nested.js';
import { type Config, options } from './options.js';
import { isSet, type Resolved, readDisabled, readEnabled, resolve } from './resolve.js';

/**
 * One frozen object, made from the rows of the table. `agentResponse` is the response to the announcement, undefined before there is
 * one; `ignoreFile` is the content of the file of `INSTANA_IGNORE_ENDPOINTS_PATH`, which wins.
 */
export function readConfig(
  env: NodeJS.ProcessEnv,
  code: unknown,
  agentResponse: unknown,
  warn: (message: string) => void,
  ignoreFile?: IgnoreEndpoints,
): Config {
  /** Values from elsewhere, for which the sources of the option are not read. */
  const fixed: Map<string, unknown> = new Map();
  if (isSet(env['INSTANA_DEBUG']) || isSet(env['INSTANA_DEV'])) fixed.set('logLevel', 'debug');
  if (ignoreFile !== undefined) fixed.set('tracing.ignoreEndpoints', ignoreFile);
  const found: Map<string, Resolved> = new Map();
  const values: Record<string, unknown> = {};
  for (const option of options) {
    const value = fixed.get(option.name);
    const resolved = value === undefined ? resolve(option, env, code, agentResponse, warn) : fromEnvironment(value);
    found.set(option.name, resolved);
    values[option.name] = resolved.value;
  }
  const row = (name: string): Resolved => found.get(name) ?? missing(name);
  const disable = row('tracing.disable');
  values['agentHostConfigured'] = row('agentHost').source !== 'default';
  values['tracing.enabled'] = readEnabled(row('tracing.enabled'), disable);
  values['tracing.disable'] = readDisabled(disable, env);
  values['tracing.automatic'] = !isSet(env['INSTANA_DISABLE_AUTO_INSTR']);
  // `parse` and `default` of each row have the type of the member of its name; a test compares the names.
  return frozenCopy(toNested(values)) as Config;
}

function fromEnvironment(value: unknown): Resolved {
  return { value, source: 'env' };
}

function missing(name: string): never {
  throw new Error(`no such option: ${name}`);
}

/** Every request reads the configuration. V8 keeps an object that was filled name by name as a slow dictionary, but not its copy. */
function frozenCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy));
  const copy: Record<string, unknown> = { ...value };
  for (const [key, member] of Object.entries(copy)) copy[key] = frozenCopy(member);
  return Object.freeze(copy);
}
