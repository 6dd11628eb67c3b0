import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPresets } from '../../../src/config/presets.js';

function read(env: NodeJS.ProcessEnv): { words: string[]; brings: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const { presets, instrumentations } = readPresets(env, (message) => warnings.push(message));
  return { words: [...presets], brings: [...instrumentations].sort(), warnings };
}

describe('the words of the bootstrap variable', () => {
  it('are all when no variable is set', () => {
    for (const env of [{}, { INSTANA_BOOTSTRAP: '' }, { INSTANA_BOOTSTRAP: ' , ' }]) {
      assert.deepEqual(read(env), { words: ['all'], brings: ['express', 'http', 'koa'], warnings: [] });
    }
  });

  for (const [value, words, brings] of [
    ['http', ['http'], ['http']],
    ['express', ['express'], ['express', 'http']],
    [' KOA ', ['koa'], ['http', 'koa']],
    ['runtime', ['runtime'], []],
    ['runtime,http', ['runtime', 'http'], ['http']],
    ['koa,koa,express', ['koa', 'express'], ['express', 'http', 'koa']],
    ['all', ['all'], ['express', 'http', 'koa']],
  ] as const) {
    it(`${JSON.stringify(value)} bring ${brings.join(', ') || 'nothing'}`, () =>
      assert.deepEqual(read({ INSTANA_BOOTSTRAP: value }), { words: [...words], brings: [...brings], warnings: [] }));
  }

  it('come from the old variable when the new one is not set', () => {
    assert.deepEqual(read({ AUTOWRAPT_BOOTSTRAP: 'koa' }).words, ['koa']);
    assert.deepEqual(read({ AUTOWRAPT_BOOTSTRAP: 'koa', INSTANA_BOOTSTRAP: 'http' }).words, ['http']);
  });

  it('of Python are passed over in silence', () => {
    assert.deepEqual(read({ AUTOWRAPT_BOOTSTRAP: 'flask' }), {
      words: ['all'],
      brings: ['express', 'http', 'koa'],
      warnings: [],
    });
  });

  it('that are unknown are logged once each, with the nearest one', () => {
    const { words, warnings } = read({ INSTANA_BOOTSTRAP: 'expres,expres,http' });
    assert.deepEqual(words, ['http']);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /INSTANA_BOOTSTRAP.*"expres".*did you mean express/);
  });

  it('that are all unknown bring nothing rather than something else', () => {
    assert.deepEqual(read({ INSTANA_BOOTSTRAP: 'fastify' }).brings, []);
  });

  it('may be hostile', () => {
    for (const value of ['__proto__', 'constructor', 'x'.repeat(100_000), '\u0000'])
      assert.deepEqual(read({ INSTANA_BOOTSTRAP: value }).brings, []);
  });
});
