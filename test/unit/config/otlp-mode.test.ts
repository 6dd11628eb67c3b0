// Whether runtime metrics go out as OTLP.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { otlpMetricsMode } from '../../../src/config/otlp-mode.js';

const offer = (enabled: unknown): unknown => ({ tracing: { otlp: { enabled } } });
const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector' };
const ofMetrics = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector' };

describe('metrics as OTLP', () => {
  it('are off when the option says so, whatever the agent and the environment say', () => {
    assert.equal(otlpMetricsMode(false, offer(true), { ...general, ...ofMetrics }), 'no');
  });

  it('are on when the option or the agent says so', () => {
    assert.equal(otlpMetricsMode(true, undefined, {}), 'yes');
    for (const enabled of [true, 'true', 'both', 'Both'])
      assert.equal(otlpMetricsMode(null, offer(enabled), {}), 'yes');
  });

  it('depend on a valid endpoint when the environment names one', () => {
    assert.equal(otlpMetricsMode(null, undefined, general), 'if-configured');
    assert.equal(otlpMetricsMode(null, offer(false), ofMetrics), 'if-configured');
  });

  it('are off when nothing asks for them', () => {
    for (const response of [
      undefined,
      null,
      {},
      offer(false),
      offer('perhaps'),
      offer(undefined),
      { tracing: 7 },
      'text',
    ])
      assert.equal(otlpMetricsMode(null, response, {}), 'no');
    assert.equal(otlpMetricsMode(null, undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }), 'no');
    assert.equal(otlpMetricsMode(null, undefined, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector' }), 'no');
  });
});
