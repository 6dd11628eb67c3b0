// Look-up and announce: the paths that are asked for, and the responses that count.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  announcePath,
  entityPath,
  isAgentResponse,
  parseAnnounceResponse,
  responsePath,
  tracerMetricsPath,
  tracesPath,
} from '../../../src/protocol/announce.js';

test('takes pid and id from a response and keeps the rest as it came', () => {
  const text = '{"pid":7,"agentUuid":"u","tracing":{"x":1},"__proto__":{"polluted":1},"secrets":9}';
  const response = parseAnnounceResponse(text);
  assert.equal(response?.pid, 7);
  assert.equal(response?.agentUuid, 'u');
  assert.deepEqual(response?.raw['tracing'], { x: 1 });
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('refuses a response without them', () => {
  const bodies = ['', 'null', '[]', '7', '""', '{}', '{', '{"pid":1}', '{"agentUuid":"u"}'];
  const pids = ['"7"', '0', '-1', '1.5', '1e300', 'null', 'true'].map((pid) => `{"pid":${pid},"agentUuid":"u"}`);
  const uuids = ['""', '7', 'null', '{}', `"${'x'.repeat(1000)}"`].map((uuid) => `{"pid":7,"agentUuid":${uuid}}`);
  for (const text of [...bodies, ...pids, ...uuids]) assert.equal(parseAnnounceResponse(text), null, text);
});

test('knows an agent by its version or by its Server header', () => {
  assert.ok(isAgentResponse('{"version":"1"}', ''));
  assert.ok(isAgentResponse('{"version":null}', 'nginx'));
  assert.ok(isAgentResponse('', 'Instana Agent'));
  assert.ok(isAgentResponse('<html>', 'instana agent/2'));
  for (const text of ['', '{}', '[]', 'null', '"version"']) assert.ok(!isAgentResponse(text, 'nginx'), text);
});

test('asks at the paths that agents know', () => {
  assert.equal(announcePath, '/com.instana.plugin.nodejs.discovery');
  assert.equal(entityPath(42), '/com.instana.plugin.nodejs.42');
  assert.equal(tracesPath(42), '/com.instana.plugin.nodejs/traces.42');
  assert.equal(tracerMetricsPath, '/tracermetrics');
});

test('escapes message ids in paths', () => {
  assert.equal(responsePath(1, 'a b/1'), '/com.instana.plugin.nodejs/response.1?messageId=a%20b%2F1');
});
