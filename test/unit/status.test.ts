import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readConfig } from '../../src/config/read-config.js';
import { makeStatus, type StatusParts } from '../../src/status.js';

const parts: StatusParts = {
  version: '1.2.3',
  config: readConfig({ INSTANA_SERVICE_NAME: 'shop', INSTANA_AGENT_HOST: 'agent' }, {}, undefined, assert.fail),
  presets: ['http'],
  agent: null,
  isRunning: true,
  sinceMs: 17,
  modules: [{ name: 'http', version: '20.0.0', state: 'patched' }],
  spans: { opened: 3, finished: 2, sent: 1, waiting: 1, dropped: { overflow: 4 }, otlp: null },
  otlpUrl: null,
  errors: { 'an error': 1 },
};
const agent = { state: 'ready', host: 'found', port: 7, uuid: 'u', pid: 8, since: 9 } as const;

it('shows the parts in their public form', () => {
  assert.deepEqual(makeStatus({ ...parts, agent }), {
    version: '1.2.3',
    pid: process.pid,
    service: 'shop',
    bootstrap: ['http'],
    agent,
    modules: parts.modules,
    spans: parts.spans,
    faults: { 'an error': 1 },
  });
});

it('shows where an agent is looked for before there is a connection, or that the sensor is off', () => {
  const shown = { host: 'agent', port: 42699, uuid: null, pid: null, since: 17 };
  assert.deepEqual(makeStatus(parts).agent, { state: 'looking-up', ...shown });
  assert.deepEqual(makeStatus({ ...parts, isRunning: false }).agent, { state: 'off', ...shown });
});

it('shows the receiver of OTLP beside the counters of its spans', () => {
  const otlp = { sent: 1, waiting: 2, dropped: {} };
  const spans = { ...parts.spans, otlp };
  assert.deepEqual(makeStatus({ ...parts, spans }).spans.otlp, { url: null, ...otlp });
  assert.deepEqual(makeStatus({ ...parts, spans, otlpUrl: 'http://x' }).spans.otlp, { url: 'http://x', ...otlp });
});
