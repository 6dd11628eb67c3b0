// Whether runtime metrics are to be sent as OTLP: what is configured, what the agent offers, what the environment names.

import { at } from './nested.js';
import { otlpMode } from './parsers.js';
import { isSet } from './resolve.js';

/** `if-configured`: as far as the variables of OpenTelemetry name an endpoint that can be used. */
export type OtlpMetricsMode = 'no' | 'if-configured' | 'yes';

const endpoints: readonly string[] = ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** `enabled` is the option, null where nobody has set it; `answer` what the agent has answered, undefined before it has. */
export function otlpMetricsMode(enabled: boolean | null, response: unknown, env: NodeJS.ProcessEnv): OtlpMetricsMode {
  if (enabled === false) return 'no';
  const mode = otlpMode(at(response, 'tracing.otlp.enabled'));
  if (enabled === true || mode === true || mode === 'both') return 'yes';
  return endpoints.some((name) => isSet(env[name])) ? 'if-configured' : 'no';
}
