// The announce beside the recorded one: the same members with the same types, or a reason why not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { FakeAgent } from './fake-agent.js';
import { isReady, makeAgent } from './support.js';

const { announce, answer } = JSON.parse(
  readFileSync(join(__dirname, '../../../../test/vectors/agent-exchange.json'), 'utf8'),
) as { announce: { method: string; path: string; body: Record<string, unknown> }; answer: Record<string, unknown> };

/** The recorded sensor writes the body before it has a socket and reserves room for what it does not know yet. */
const notNeeded = ['spacer'];

test('announces with every member of the recording', { skip: process.platform !== 'linux' }, async (t) => {
  const server = await new FakeAgent().listen();
  server.answer = answer;
  const { agent, answers } = makeAgent(server.port);
  t.after(() => agent.stop());
  t.after(() => server.close());
  agent.start();
  await waitUntil(() => isReady(agent), 'it is ready');
  const [own] = server.of('announce');
  assert.ok(own !== undefined);
  assert.deepEqual([own.method, own.path], [announce.method, announce.path]);
  const body = JSON.parse(own.text) as Record<string, unknown>;
  for (const [name, value] of Object.entries(announce.body)) {
    if (notNeeded.includes(name)) continue;
    assert.equal(typeof body[name], typeof value, name);
    assert.equal(Array.isArray(body[name]), Array.isArray(value), name);
  }
  assert.deepEqual(
    Object.keys(body).filter((name) => !Object.hasOwn(announce.body, name)),
    [],
  );
  assert.match(String(body['inode']), /^socket:\[\d+\]$/);
  assert.match(String(body['fd']), /^\d+$/);
  assert.equal(body['name'], process.argv0.includes('/') ? process.argv0 : body['name']);
  assert.deepEqual(answers, [{ pid: answer['pid'], agentUuid: answer['agentUuid'], raw: answer }]);
});
