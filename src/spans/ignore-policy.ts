// Decides what is not traced: ignored endpoints and disabled instrumentations. Compiled when the configuration changes, not per request.
import type { Config, IgnoreEndpoints, IgnoreRule } from '../config/options.js';
import { sanitizeUrl } from '../redaction/url.js';

/** Whether a span of this operation (method), endpoint (path, topic) and connection (host) is ignored. */
export type IgnoreMatcher = (operation: string, endpoint: string, connection: string) => boolean;

/** The compiled rules. */
export interface IgnorePolicy {
  /** Matches incoming requests that get no span; null if there are no rules for them. */
  readonly ignoresRequest: IgnoreMatcher | null;
  /** Whether everything within an ignored request is ignored, too. */
  readonly suppressesBelowIgnored: boolean;
  /** Whether an instrumentation is disabled, by its own name or by that of its group. */
  isDisabled(name: string, group?: string): boolean;
}

export function makeIgnorePolicy(tracing: Config['tracing']): IgnorePolicy {
  const disabled = new Set(tracing.disable);
  return {
    ignoresRequest: ignoreMatcher('node.http.server', tracing.ignoreEndpoints),
    suppressesBelowIgnored: !tracing.ignoreEndpointsDisableSuppression,
    isDisabled: (name, group) => {
      if (disabled.has(name)) return true;
      return group !== undefined && disabled.has(group) && !disabled.has(`!${name}`);
    },
  };
}

/** Names of spans that can be ignored, and the names that rules use for them. */
const services: Readonly<Record<string, string>> = {
  'node.http.server': 'http',
  redis: 'redis',
  dynamodb: 'dynamodb',
  kafka: 'kafka',
};

/** The matcher for spans of this name; null if no rule can match them. */
export function ignoreMatcher(spanName: string, rules: IgnoreEndpoints): IgnoreMatcher | null {
  const service = Object.hasOwn(services, spanName) ? services[spanName] : undefined;
  const own = service !== undefined && Object.hasOwn(rules, service) ? (rules[service] ?? []) : [];
  // A rule without criteria matches nothing.
  const compiled = own.filter((rule) => Object.keys(rule).length > 0).map((rule) => new CompiledRule(rule));
  if (compiled.length === 0) return null;
  // A message may go to several topics, separated by commas; a path may contain commas.
  const isList = service === 'kafka';
  return (operation, endpoint, connection) => {
    const method = operation.toLowerCase();
    const target = endpoint.toLowerCase();
    const host = connection.toLowerCase();
    for (const rule of compiled) if (rule.matches(method, target, host, isList)) return true;
    return false;
  };
}

/** A rule with its criteria ready to match. A criterion that is absent or contains `*` is null and matches everything. */
class CompiledRule {
  readonly #methods: ReadonlySet<string> | null;
  readonly #endpoints: ReadonlySet<string> | null;
  readonly #connections: readonly string[] | null;

  constructor({ methods, endpoints, connections }: IgnoreRule) {
    this.#methods = methods === undefined || methods.includes('*') ? null : new Set(methods);
    // Requests carry encoded paths; configurations usually contain decoded ones.
    this.#endpoints =
      endpoints === undefined || endpoints.includes('*')
        ? null
        : new Set(endpoints.flatMap((endpoint) => [endpoint, sanitizeUrl(endpoint).toLowerCase()]));
    this.#connections = connections === undefined || connections.includes('*') ? null : connections;
  }

  matches(method: string, endpoint: string, connection: string, isList: boolean): boolean {
    if (this.#methods !== null && !this.#methods.has(method)) return false;
    if (this.#connections !== null && !this.#connections.some((part) => connection.includes(part))) return false;
    const endpoints = this.#endpoints;
    if (endpoints === null || endpoints.has(endpoint)) return true;
    return isList && endpoint.split(',').every((one) => endpoints.has(one.trim()));
  }
}
