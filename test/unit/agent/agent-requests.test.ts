// What the agent asks for in its responses to metrics, and what it gets.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRequests, respondTo } from '../../../src/agent/agent-requests.js';

const request = (action: unknown, messageId: unknown): object => ({ action, messageId });

test('takes well-formed requests, in their order', () => {
  const requests = [request('node.source', 'a'), request('other', 'b')];
  assert.deepEqual(parseRequests(JSON.stringify(requests)), requests);
});

test('ignores everything else', () => {
  for (const text of ['', '{', 'null', '{}', '"text"', '7', '[]', JSON.stringify(request('a', 'b'))])
    assert.deepEqual(parseRequests(text), [], text);
  const malformed = [
    null,
    7,
    'text',
    [],
    {},
    request('', 'a'),
    request('a', ''),
    request(7, 'a'),
    request('a', 7),
    request('a', 'x'.repeat(201)),
    request('a', '\ud800'),
  ];
  assert.deepEqual(parseRequests(JSON.stringify([...malformed, request('good', 'g')])), [request('good', 'g')]);
});

test('takes at most ten requests', () => {
  const requests = Array.from({ length: 25 }, (_, index) => request('a', `${index}`));
  assert.deepEqual(parseRequests(JSON.stringify(requests)), requests.slice(0, 10));
});

test('shows no source code', () => {
  assert.deepEqual(respondTo({ action: 'node.source', messageId: 'm' }), { error: 'Functionality disabled.' });
});

test('lists the modules that are loaded', () => {
  const { data } = respondTo({ action: 'node.getModuleAnalysis', messageId: 'm' }) as { data: Record<string, unknown> };
  assert.deepEqual(Object.keys(data), ['cwd', 'require.main.filename', 'require.main.paths', 'require.cache']);
  assert.equal(data['cwd'], process.cwd());
  assert.equal(data['require.main.filename'], process.mainModule?.filename ?? process.argv[1] ?? null);
  assert.ok((data['require.cache'] as string[]).includes(__filename));
});

test('has no working directory when that was removed', (t) => {
  t.mock.method(process, 'cwd', () => {
    throw new Error('ENOENT');
  });
  const { data } = respondTo({ action: 'node.getModuleAnalysis', messageId: 'm' }) as { data: Record<string, unknown> };
  assert.equal(data['cwd'], null);
});

test('names an unknown action in one short line', () => {
  assert.deepEqual(respondTo({ action: 'does.not.exist', messageId: 'm' }), {
    error: "Don't know how to handle action: does.not.exist.",
  });
  const { error } = respondTo({ action: `a\n${'x'.repeat(10_000)}`, messageId: 'm' }) as { error: string };
  assert.ok(error.length < 300 && !error.includes('\n'), error);
});
