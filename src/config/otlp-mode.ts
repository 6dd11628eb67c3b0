// Whether runtime metrics are to be sent as OTLP: what is configured, what the agent offers, what the environment names.

import { otlpMode } from './parsers.js';
import { at, isSet } from './resolve.js';

/** `if-configured`: as far as the variables of OpenTelemetry name an endpoint that can be used. */
export type OtlpWish = 'no' | 'if-configured' | 'yes';

const endpoints: readonly string[] = ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** `enabled` is the option, null where nobody has set it; `answer` what the agent has answered, undefined before it has. */
export function metricsWish(enabled: boolean | null, answer: unknown, env: NodeJS.ProcessEnv): OtlpWish {
  if (enabled === false) return 'no';
  const mode = otlpMode(at(answer, 'tracing.otlp.enabled'));
  if (enabled === true || mode === true || mode === 'both') return 'yes';
  return endpoints.some((name) => isSet(env[name])) ? 'if-configured' : 'no';
}
