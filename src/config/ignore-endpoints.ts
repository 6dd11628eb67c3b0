// Endpoints whose requests are not traced: the forms in which they are written, brought into one.
import { tryGet } from '../core/try-get.js';
import type { WarnFn } from './parsers.js';

/** All criteria that are there have to match, each by one of its values; all in lower case. */
export interface IgnoreRule {
  readonly methods?: readonly string[];
  readonly endpoints?: readonly string[];
  readonly connections?: readonly string[];
}

/** Rules by service (`http`, `redis`, `kafka`, `dynamodb`); any of them suffices. */
export type IgnoreEndpoints = Readonly<Record<string, readonly IgnoreRule[]>>;

const criteria = ['methods', 'endpoints', 'connections'] as const;

/** From text (`redis:get,set;kafka:consume`, methods only) or an object of lists; undefined when there is no valid part in it. */
export function ignoreEndpoints(value: unknown, warn: WarnFn = () => {}): IgnoreEndpoints | undefined {
  if (typeof value === 'string') return fromText(value, warn);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const services: Map<string, IgnoreRule[]> = new Map();
  for (const name of Object.keys(value)) {
    const service = name.trim().toLowerCase();
    const rules = tryGet(() => rulesOf(Reflect.get(value, name), (what) => warn(`${service}: ${what}`)), undefined);
    if (rules === undefined) warn(`${service}: the rules cannot be read`);
    services.set(service, [...(services.get(service) ?? []), ...(rules ?? [])]);
  }
  return Object.fromEntries(services);
}

function fromText(value: string, warn: WarnFn): IgnoreEndpoints | undefined {
  const services: Map<string, IgnoreRule[]> = new Map();
  for (const part of value.split(';')) {
    const colon = part.indexOf(':');
    const service = part.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const methods = words(part.slice(colon + 1).split(','));
    if (service !== '' && methods.length > 0) services.set(service, [...(services.get(service) ?? []), { methods }]);
    else if (part.trim() !== '') warn(`${JSON.stringify(part.trim())} is not of the form service:method,method`);
  }
  return services.size === 0 ? undefined : Object.fromEntries(services);
}

function rulesOf(list: unknown, warn: WarnFn): IgnoreRule[] {
  if (!Array.isArray(list)) {
    warn('a list of methods or rules is expected');
    return [];
  }
  const methods = words(list);
  const rules: IgnoreRule[] = methods.length > 0 ? [{ methods }] : [];
  for (const entry of list) {
    if (typeof entry === 'string') continue;
    const rule = tryGet(() => ruleOf(entry), undefined);
    if (rule === undefined) warn('a rule has lists of texts named methods, endpoints and connections, and no others');
    else rules.push(rule);
  }
  return rules;
}

/** Undefined for a rule with an invalid part: without that part it would match more than was meant. */
function ruleOf(entry: unknown): IgnoreRule | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined;
  if (Object.keys(entry).some((key) => !criteria.includes(key as (typeof criteria)[number]))) return undefined;
  const rule: { -readonly [Name in keyof IgnoreRule]: IgnoreRule[Name] } = {};
  for (const name of criteria) {
    if (!Object.hasOwn(entry, name)) continue;
    const value: unknown = Reflect.get(entry, name);
    const list = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(list) || list.some((word) => typeof word !== 'string')) return undefined;
    rule[name] = words(list);
  }
  return rule;
}

function words(list: readonly unknown[]): string[] {
  return list.flatMap((entry) => {
    const word = typeof entry === 'string' ? entry.trim().toLowerCase() : '';
    return word === '' ? [] : [word];
  });
}
