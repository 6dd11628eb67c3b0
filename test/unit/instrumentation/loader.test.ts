import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Instrumentation } from '../../../src/instrumentation/instrumentation.js';
import { channelInstrumentations, instrumentations } from '../../../src/instrumentation/instrumentations.js';
import { Loader } from '../../../src/instrumentation/loader.js';
import { type HostFunction, wrapMethod } from '../../../src/instrumentation/wrap-method.js';
import { ToolBox } from './tool-box.js';

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-loader-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const requireFrom = createRequire(join(folder, 'main.js'));

function addPackage(name: string, version: string | null, code: string): void {
  const place = join(folder, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'index.js'), code);
  if (version !== null) writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version, main: 'index.js' }));
}

function wrapping(module: string, versions?: readonly number[]): Instrumentation {
  const louder = (original: HostFunction): HostFunction =>
    function (this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: handed on as it came
      return `traced ${String(Reflect.apply(original, this, arguments))}`;
    } as HostFunction;
  return {
    name: module,
    presets: ['http'],
    module,
    ...(versions === undefined ? {} : { versions }),
    patch: (exports) => ({ undo: [wrapMethod(exports as object, 'run', louder)] }),
  };
}

function start(instrumentations: readonly Instrumentation[]): { loader: Loader; box: ToolBox } {
  const box = new ToolBox();
  const loader = new Loader({ context: box.tools, instrumentations, channels: [], known: instrumentations });
  loader.start();
  return { loader, box };
}

const run = 'exports.run = () => "host";';

describe('the loader', () => {
  it('patches a package as it is loaded, and puts it back when it stops', () => {
    addPackage('plain', '1.2.3', run);
    const { loader } = start([wrapping('plain', [1])]);
    assert.deepEqual(loader.status(), [{ name: 'plain', version: null, state: 'not-loaded' }]);
    const plain = requireFrom('plain') as { run: () => string };
    assert.equal(plain.run(), 'traced host');
    assert.equal((requireFrom('plain') as { run: () => string }).run(), 'traced host');
    assert.deepEqual(loader.status(), [{ name: 'plain', version: '1.2.3', state: 'patched' }]);
    loader.stop();
    assert.equal(plain.run(), 'host');
  });

  it('leaves versions alone that it does not know, and says so once', () => {
    addPackage('newer', '9.0.0', run);
    const { loader, box } = start([wrapping('newer', [1, 2])]);
    assert.equal((requireFrom('newer') as { run: () => string }).run(), 'host');
    assert.deepEqual(loader.status(), [{ name: 'newer', version: '9.0.0', state: 'unsupported' }]);
    assert.equal(box.lines.length, 1);
    assert.match(box.lines[0] ?? '', /newer 9\.0\.0 is not supported/);
    loader.stop();
  });

  it('lets no fault of ours reach the application that loads a module', () => {
    addPackage('broken', '1.0.0', run);
    const broken: Instrumentation = {
      ...wrapping('broken', [1]),
      patch: () => {
        throw new Error('ours');
      },
    };
    const { loader, box } = start([broken]);
    assert.equal((requireFrom('broken') as { run: () => string }).run(), 'host');
    assert.equal(loader.status()[0]?.state, 'failed');
    assert.deepEqual(box.faults.counts(), { 'patching broken': 1 });
    loader.stop();
  });

  const hostile: readonly (readonly [string, string])[] = [
    ['frozen', `module.exports = Object.freeze({ run: () => 'host' });`],
    ['getter', `Object.defineProperty(exports, 'run', { get: () => () => 'host', enumerable: true });`],
    ['thrower', `Object.defineProperty(exports, 'run', { get() { throw new Error('host getter'); } });`],
    ['nothing', `module.exports = undefined;`],
    ['null', `module.exports = null;`],
    ['number', `module.exports = 7;`],
    [
      'proxy',
      `module.exports = new Proxy({}, { get() { throw new Error('trap'); }, getOwnPropertyDescriptor() { throw new Error('trap'); } });`,
    ],
  ];
  for (const [name, code] of hostile) {
    it(`hands out a module that is ${name} as it is`, () => {
      addPackage(`hostile-${name}`, '1.0.0', code);
      const { loader } = start([wrapping(`hostile-${name}`, [1])]);
      const fresh = requireFrom(`hostile-${name}`) as unknown;
      const file = requireFrom.resolve(`hostile-${name}`);
      assert.equal(fresh, requireFrom.cache[file]?.exports);
      assert.equal(loader.status()[0]?.state, 'failed');
      loader.stop();
    });
  }

  it('lets the error of a module that does not load through', () => {
    addPackage('failing', '1.0.0', `throw new TypeError('host');`);
    const { loader, box } = start([wrapping('failing', [1])]);
    assert.throws(() => requireFrom('failing') as unknown, { name: 'TypeError', message: 'host' });
    assert.deepEqual(box.faults.counts(), {});
    loader.stop();
  });

  it('takes a package without a version for one that it does not know', () => {
    addPackage('nameless', null, run);
    const { loader } = start([wrapping('nameless', [1])]);
    assert.equal((requireFrom('nameless') as { run: () => string }).run(), 'host');
    loader.stop();
  });

  it('shows what is not asked for as disabled', () => {
    const box = new ToolBox();
    const all = [...instrumentations, ...channelInstrumentations];
    const loader = new Loader({ context: box.tools, instrumentations: [], channels: [], known: all });
    loader.start();
    for (const { state } of loader.status()) assert.equal(state, 'disabled');
    loader.stop();
  });
});

describe('the catalogue', () => {
  it('patches the modules of Node.js and puts every function back', async () => {
    const http = await import('node:http');
    const https = await import('node:https');
    const read = (): unknown[] =>
      [http, https].flatMap((module) => [
        module.request,
        module.get,
        module.Server.prototype.emit,
        http.ClientRequest.prototype.emit,
        http.ClientRequest.prototype.destroy,
        http.ServerResponse.prototype.emit,
        module.default.request,
        module.default.get,
      ]);
    const before = read();
    const box = new ToolBox();
    const loader = new Loader({
      context: box.tools,
      instrumentations: instrumentations,
      channels: channelInstrumentations,
      known: instrumentations,
    });
    loader.start();
    const during = read();
    assert.ok(before.every((fn, index) => fn !== during[index]));
    loader.stop();
    const afterwards = read();
    for (const [index, fn] of before.entries()) assert.equal(afterwards[index], fn, String(index));
    assert.deepEqual(box.faults.counts(), {});
  });

  it('lets every instrumentation survive modules that are not what they say', () => {
    const fail = (): never => {
      throw new Error('trap');
    };
    const odd: unknown[] = [
      {},
      [],
      () => 1,
      Object.freeze({ prototype: Object.freeze({}) }),
      { Server: null, ClientRequest: 7, default: null },
      null,
      undefined,
      7,
      new Proxy({}, { get: fail, has: fail, ownKeys: fail }),
    ];
    const box = new ToolBox();
    for (const { module, name } of instrumentations.filter((candidate) => candidate.name !== 'opentracing')) {
      for (const exports of odd) {
        const records = instrumentations.filter((candidate) => candidate.module === module && candidate.name === name);
        const loader = new Loader({
          context: box.tools,
          instrumentations: records.map(({ versions: _, ...rest }) => rest),
          channels: [],
          known: records,
        });
        assert.doesNotThrow(() => loader.patch(exports, module, undefined), module);
        loader.stop();
      }
    }
  });
});
