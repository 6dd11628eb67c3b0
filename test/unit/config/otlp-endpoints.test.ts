import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OtlpAgent, type OtlpSettings, otlpPort, readOtlpSettings } from '../../../src/config/otlp-endpoints.js';

function read(
  env: NodeJS.ProcessEnv,
  signal: 'metrics' | 'traces' = 'traces',
  agent: OtlpAgent | null = null,
): OtlpSettings & { warnings: string[] } {
  const warnings: string[] = [];
  return { ...readOtlpSettings(env, signal, agent, (message) => warnings.push(message)), warnings };
}

describe('OTLP settings', () => {
  it('are those of the agent when no variable says anything', () => {
    const agent = { host: '10.0.0.1', port: 4318 };
    assert.deepEqual(read({}, 'traces', agent), {
      url: 'http://10.0.0.1:4318/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      intervalMs: 1000,
      isConfigured: false,
      warnings: [],
    });
    assert.equal(read({}, 'metrics', agent).intervalMs, 10_000);
    assert.equal(read({}, 'metrics', { host: '::1', port: 1 }).url, 'http://[::1]:1/v1/metrics');
    assert.equal(read({}).url, null);
  });

  it('take the endpoint of a signal as it is, and add the path of the signal to the general one', () => {
    const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318/base/' };
    assert.equal(read(general).url, 'https://collector:4318/base/v1/traces');
    assert.equal(read(general, 'metrics', { host: 'a', port: 1 }).url, 'https://collector:4318/base/v1/metrics');
    assert.equal(read(general).isConfigured, true);
    const own = { ...general, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://other/x?y=z' };
    assert.equal(read(own).url, 'http://other/x?y=z');
    assert.equal(read(own, 'metrics').url, 'https://collector:4318/base/v1/metrics');
    assert.equal(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[::1]:4318' }).url, 'http://[::1]:4318/v1/traces');
    assert.equal(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a/b?c=d#e' }).url, 'http://a/b/v1/traces?c=d');
  });

  it('send user and password of an endpoint as a header', () => {
    const { url, headers } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:p%40ss@collector' });
    assert.equal(url, 'https://collector/v1/traces');
    assert.deepEqual(headers, { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` });
  });

  it('merge the headers of a signal over the general ones, decoded', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a',
      OTEL_EXPORTER_OTLP_HEADERS: 'X-Instana-Key=abc, x-b = a%20b=c ,',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-b=2',
    };
    assert.deepEqual(read(env).headers, { 'x-instana-key': 'abc', 'x-b': '2' });
    assert.deepEqual(read(env, 'metrics').headers, { 'x-instana-key': 'abc', 'x-b': 'a b=c' });
    assert.deepEqual(read(env).warnings, []);
  });

  it('keep the headers of a collector from the agent', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-instana-key=abc' };
    assert.deepEqual(read(env, 'traces', { host: 'a', port: 1 }).headers, {});
  });

  it('leave out headers that would break a request, without showing their values', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a',
      OTEL_EXPORTER_OTLP_HEADERS:
        'x-a=marker%0d%0aEvil: 1,marker,=marker,a b=marker,Content-Length=marker,x-n=%00marker,x-empty=,x-ok=1',
    };
    const { headers, warnings } = read(env);
    assert.deepEqual(headers, { 'x-ok': '1' });
    assert.equal(warnings.length, 7);
    for (const warning of warnings) {
      assert.match(warning, /^OTEL_EXPORTER_OTLP_HEADERS: header .*, expected .*; it is left out$/);
      assert.doesNotMatch(warning, /marker/);
    }
  });

  it('warn once of an invalid endpoint, and take the next source', () => {
    for (const text of [
      'collector:4318',
      'ftp://a',
      'http://',
      'http://a:0',
      'http://a:99999',
      '/v1/traces',
      'marker',
    ]) {
      const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: text, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b' };
      const { url, warnings } = read(env);
      assert.equal(url, 'http://b/v1/traces', text);
      assert.equal(warnings.length, 1, text);
      assert.match(warnings[0] ?? '', /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is .*, expected .*; it is ignored$/);
      assert.doesNotMatch(warnings[0] ?? '', /marker/);
    }
  });

  it('do not use an endpoint that is said to speak gRPC', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const { url, isConfigured, warnings } = read(env, 'metrics', { host: 'b', port: 4318 });
    assert.equal(url, 'http://b:4318/v1/metrics');
    assert.equal(isConfigured, false);
    assert.equal(warnings.length, 1);
    const mixed = { ...env, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' };
    assert.equal(read(mixed).url, 'http://a:4317/v1/traces');
    assert.deepEqual(read({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).warnings, []);
  });

  it('read times in milliseconds, those of the signal first', () => {
    const env = {
      OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '3000',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    };
    assert.equal(read(env).timeoutMs, 3000);
    assert.equal(read(env).intervalMs, 1000);
    assert.equal(read(env, 'metrics').timeoutMs, 2000);
    assert.equal(read(env, 'metrics').intervalMs, 500);
    const { timeoutMs, warnings } = read({ ...env, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '10s' });
    assert.equal(timeoutMs, 2000);
    assert.deepEqual(warnings, [
      'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is "10s", expected milliseconds, 1 to 86400000; it is ignored',
    ]);
    assert.equal(read({ OTEL_METRIC_EXPORT_INTERVAL: '1' }, 'metrics').intervalMs, 10_000);
  });

  it('take the port of the announce answer, whatever is in it', () => {
    assert.equal(otlpPort({ tracing: { otlp: { enabled: true, port: 5318 } } }), 5318);
    for (const answer of [undefined, null, 1, {}, { tracing: null }, { tracing: { otlp: { port: '1' } } }])
      assert.equal(otlpPort(answer), 4318);
    assert.equal(otlpPort({ tracing: { otlp: { port: 70_000 } } }), 4318);
  });
});
