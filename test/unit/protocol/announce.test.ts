// The announce answer, checked.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isAgentResponse, parseAnnounceResponse, responsePath } from '../../../src/protocol/announce.js';

test('takes pid and id and keeps the rest as it came', () => {
  const text = '{"pid":7,"agentUuid":"u","tracing":{"x":1},"__proto__":{"polluted":1},"secrets":9}';
  const answer = parseAnnounceResponse(text);
  assert.equal(answer?.pid, 7);
  assert.equal(answer?.agentUuid, 'u');
  assert.deepEqual(answer?.raw['tracing'], { x: 1 });
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('refuses an answer without them', () => {
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

test('escapes message ids in paths', () => {
  assert.equal(responsePath(1, 'a b/1'), '/com.instana.plugin.nodejs/response.1?messageId=a%20b%2F1');
});
