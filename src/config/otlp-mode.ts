// Whether runtime metrics are sent as OTLP: by option, by the agent's offer, or by an endpoint in the environment.

import { at } from './nested.js';
import { otlpMode } from './parsers.js';
import { isSet } from './resolve.js';

/** `if-configured`: if OpenTelemetry's variables name a valid endpoint. */
export type OtlpMetricsMode = 'no' | 'if-configured' | 'yes';

const endpoints: readonly string[] = ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** `enabled` is the option, null when it is not set; `response` is the agent's to the announcement, undefined before it. */
export function otlpMetricsMode(enabled: boolean | null, response: unknown, env: NodeJS.ProcessEnv): OtlpMetricsMode {
  if (enabled === false) return 'no';
  const mode = otlpMode(at(response, 'tracing.otlp.enabled'));
  if (enabled === true || mode === true || mode === 'both') return 'yes';
  return endpoints.some((name) => isSet(env[name])) ? 'if-configured' : 'no';
}
