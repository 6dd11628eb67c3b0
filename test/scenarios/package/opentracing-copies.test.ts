// `opentracing.globalTracer()` is our tracer in every copy of the package, however and whenever an application loads it.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Consumer, makeConsumer, run } from '../../support/consumer.js';

const requirePreload = ['-r', '@instana/ts-sensor/bootstrap'];
const importPreload = ['--import', '@instana/ts-sensor/bootstrap'];

let consumer: Consumer;
before(async () => {
  consumer = await makeConsumer();
  const copy = dirname(require.resolve('opentracing/package.json'));
  for (const owner of ['one', 'two']) {
    cpSync(copy, join(consumer.folder, 'node_modules', owner, 'node_modules', 'opentracing'), { recursive: true });
    consumer.put(`node_modules/${owner}/package.json`, JSON.stringify({ name: owner, version: '1.0.0' }));
    consumer.put(`node_modules/${owner}/index.js`, `module.exports = require('opentracing');`);
  }
  // A tracer of the application's own, with no class of the package: that must not matter.
  consumer.put(
    'own-tracer.cjs',
    `const nothing = { context: () => ({ toTraceId: () => 'own' }), finish() {} };
     exports.own = { startSpan: () => nothing, inject() {}, extract: () => null };`,
  );
  consumer.put('early.cjs', `globalThis.early = require('two').globalTracer();`);
  consumer.put('early-own.cjs', `require('two').initGlobalTracer(require('./own-tracer.cjs').own);`);
  // Tells, for each copy, whose tracer it has: ours makes ids of 16 digits.
  consumer.put(
    'whose.cjs',
    `exports.whose = (copies) => {
       const { status } = require('@instana/ts-sensor');
       const names = copies.map((copy) => {
         const tracer = typeof copy.startSpan === 'function' ? copy : copy.globalTracer();
         const span = tracer.startSpan('work');
         const id = span.context().toTraceId();
         span.finish();
         return /^[0-9a-f]{16}$/.test(id) ? 'ours' : id === 'own' ? 'own' : 'nobody';
       });
       const { modules, faults } = status();
       const { state } = modules.find(({ name }) => name === 'opentracing') ?? {};
       console.log(JSON.stringify({ names, state, faults }));
     };`,
  );
});
after(() => consumer.remove());

interface Told {
  readonly names: string[];
  readonly state: string;
  readonly faults: object;
}

async function tell(
  file: string,
  text: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Told> {
  consumer.put(file, text);
  const { code, stdout, stderr } = await run(process.execPath, [...args, file], { cwd: consumer.folder, env });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const told = JSON.parse(stdout) as Told; // the last thing that the application does
  assert.deepEqual(told.faults, {});
  return told;
}

const three = ['ours', 'ours', 'ours'];

for (const [flag, preload] of [
  ['-r', requirePreload],
  ['--import', importPreload],
] as const) {
  describe(`under ${flag}, the global tracer is ours`, () => {
    it('in copies that CommonJS requires', async () => {
      const text = `require('./whose.cjs').whose([require('opentracing'), require('one'), require('two')]);`;
      const { names, state } = await tell('app.cjs', text, preload);
      assert.deepEqual([names, state], [three, 'patched']);
    });

    it('in copies that ES modules import', async () => {
      const text = `
        import opentracing, { globalTracer } from 'opentracing';
        import one from 'one';
        import two from 'two';
        import { whose } from './whose.cjs';
        whose([opentracing, { globalTracer }, one, two]);`;
      const { names, state } = await tell('app.mjs', text, preload);
      assert.deepEqual([names, state], [['ours', ...three], 'patched']);
    });

    it('also in a delegate that was taken before the sensor came', async () => {
      const text = `require('./whose.cjs').whose([globalThis.early, require('one'), require('two')]);`;
      const { names, state } = await tell('app.cjs', text, ['-r', './early.cjs', ...preload]);
      assert.deepEqual([names, state], [three, 'patched']);
    });

    it('until the application sets its own, in that copy', async () => {
      const text = `
        require('one').initGlobalTracer(require('./own-tracer.cjs').own);
        const { tracer } = require('@instana/ts-sensor');
        tracer.startSpan('ours').finish();
        require('./whose.cjs').whose([require('opentracing'), require('one'), require('two')]);`;
      assert.deepEqual((await tell('app.cjs', text, preload)).names, ['ours', 'own', 'ours']);
      const shared = `
        require('opentracing').initGlobalTracer(require('./own-tracer.cjs').own);
        const { tracer } = require('@instana/ts-sensor');
        require('./whose.cjs').whose([require('opentracing'), require('one'), tracer]);`;
      assert.deepEqual((await tell('app.cjs', shared, preload)).names, ['own', 'ours', 'ours']);
    });

    it('unless the application had set its own before the sensor came', async () => {
      const text = `require('./whose.cjs').whose([require('opentracing'), require('one'), require('two')]);`;
      const { names } = await tell('app.cjs', text, ['-r', './early-own.cjs', ...preload]);
      assert.deepEqual(names, ['ours', 'ours', 'own']);
    });

    it('when a copy is loaded again', async () => {
      const text = `
        const first = require('one');
        for (const path of Object.keys(require.cache)) if (path.includes('opentracing')) delete require.cache[path];
        delete require.cache[require.resolve('one')];
        const second = require('one');
        if (first === second) throw new Error('the same');
        require('./whose.cjs').whose([first, second]);`;
      assert.deepEqual((await tell('app.cjs', text, preload)).names, ['ours', 'ours']);
    });
  });
}

describe('without a preload', () => {
  it('the global tracer of the shared copy is ours once the package is imported, of others once the sensor has started', async () => {
    const text = `
      const early = require('two');
      const { tracer } = require('@instana/ts-sensor');
      tracer.startSpan('first').finish();
      require('./whose.cjs').whose([require('opentracing'), require('one'), early]);`;
    assert.deepEqual((await tell('app.cjs', text, [])).names, three);
  });

  it('the tracer of an application that set one first stays', async () => {
    const text = `
      require('opentracing').initGlobalTracer(require('./own-tracer.cjs').own);
      const { tracer } = require('@instana/ts-sensor');
      require('./whose.cjs').whose([require('opentracing'), tracer]);`;
    assert.deepEqual((await tell('app.cjs', text, [])).names, ['own', 'ours']);
  });
});

describe('a process that only loads opentracing', () => {
  it('does not pay for a tracer', async () => {
    const text = `
      require('one');
      const shared = require.resolve('opentracing') in require.cache;
      console.log(JSON.stringify({ names: [String(shared)], state: '', faults: {} }));`;
    assert.deepEqual((await tell('app.cjs', text, requirePreload)).names, ['false']);
  });
});
