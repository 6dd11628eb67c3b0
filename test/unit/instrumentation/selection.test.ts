import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readPresets } from '../../../src/config/presets.js';
import { readConfig } from '../../../src/config/read-config.js';
import { channelInstrumentations, instrumentations } from '../../../src/instrumentation/instrumentations.js';
import { selectInstrumentations } from '../../../src/instrumentation/selection.js';
import { makeIgnorePolicy } from '../../../src/spans/ignore-policy.js';

function select(env: NodeJS.ProcessEnv): string {
  const { tracing } = readConfig(env, {}, undefined, assert.fail);
  const selection = selectInstrumentations(readPresets(env, assert.fail), tracing, makeIgnorePolicy(tracing));
  assert.deepEqual(selection.known, [...instrumentations, ...channelInstrumentations]);
  const names = [...selection.instrumentations, ...selection.channels].map(({ name }) => name);
  return [...new Set(names)].sort().join();
}

for (const [env, names] of [
  [{}, '@koa/router,bluebird,express,fetch,http,https,koa,koa-route,koa-router,opentracing'],
  [{ INSTANA_BOOTSTRAP: 'http' }, 'bluebird,fetch,http,https,opentracing'],
  [{ INSTANA_BOOTSTRAP: 'koa' }, '@koa/router,bluebird,fetch,http,https,koa,koa-route,koa-router,opentracing'],
  [{ INSTANA_BOOTSTRAP: 'runtime' }, ''],
  [
    { INSTANA_TRACING_DISABLE: 'koa,fetch' },
    '@koa/router,bluebird,express,http,https,koa-route,koa-router,opentracing',
  ],
  [{ INSTANA_TRACING_ENABLED: 'false' }, ''],
  [{ INSTANA_DISABLE_AUTO_INSTR: '1' }, 'opentracing'],
  [{ INSTANA_DISABLE_AUTO_INSTR: '1', INSTANA_TRACING_DISABLE: 'opentracing' }, ''],
] as const)
  it(`${JSON.stringify(env)} gets ${names || 'nothing'}`, () => assert.equal(select(env), names));
