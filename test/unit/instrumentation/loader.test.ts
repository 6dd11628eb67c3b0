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
      // biome-ignore lint/complexity/noArguments: passed on unchanged
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

  it('lets no internal error reach the application that loads a module', () => {
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

describe('the loader of modules on demand', () => {
  /** A loader in whose eyes `https` has been imported without a hook noticing, or not. */
  function startWithHttps(): { loader: Loader; patched: unknown[]; box: ToolBox } {
    const patched: unknown[] = [];
    const https: Instrumentation = {
      name: 'https',
      presets: ['http'],
      module: 'https',
      patch: (exports) => {
        patched.push(exports);
        return { undo: [() => {}] };
      },
    };
    return { ...start([https]), patched };
  }

  /** Runs `fn` with the list of modules that Node.js has loaded replaced. */
  function withLoaded(list: unknown, fn: () => void): void {
    const { moduleLoadList } = process as { moduleLoadList?: unknown };
    Object.defineProperty(process, 'moduleLoadList', { value: list, configurable: true, writable: true });
    try {
      fn();
    } finally {
      Object.defineProperty(process, 'moduleLoadList', { value: moduleLoadList, configurable: true, writable: true });
    }
  }

  it('waits for `https`, and patches it when it has been loaded', () => {
    const loaded = ['NativeModule http'];
    withLoaded(loaded, () => {
      const { loader, patched } = startWithHttps();
      loader.patchLoadedBuiltins();
      assert.deepEqual([patched.length, loader.status()[0]?.state], [0, 'not-loaded']);
      loaded.push('NativeModule https');
      loader.patchLoadedBuiltins();
      loader.patchLoadedBuiltins();
      assert.deepEqual([patched.length, patched[0]], [1, requireFrom('https')]);
      assert.equal(loader.status()[0]?.state, 'patched');
      loader.stop();
    });
  });

  it('patches it when an application requires it', () => {
    withLoaded(['NativeModule http'], () => {
      const { loader, patched } = startWithHttps();
      requireFrom('https');
      requireFrom('https');
      assert.equal(patched.length, 1);
      loader.stop();
    });
  });

  it('patches it before it is imported, by either of its names', () => {
    for (const url of ['https', 'node:https']) {
      withLoaded(['NativeModule http'], () => {
        const { loader, patched } = startWithHttps();
        loader.patchBeforeImport('node:fs');
        loader.patchBeforeImport('file:///https');
        assert.equal(patched.length, 0);
        loader.patchBeforeImport(url);
        loader.patchBeforeImport(url);
        assert.equal(patched.length, 1);
        loader.stop();
      });
    }
  });

  it('patches all that is pending at once, for a loader without hooks', () => {
    withLoaded(['NativeModule http'], () => {
      const { loader, patched } = startWithHttps();
      loader.patchAllPending();
      loader.patchAllPending();
      assert.equal(patched.length, 1);
      loader.stop();
    });
  });

  it('patches nothing after it has stopped', () => {
    withLoaded(['NativeModule http'], () => {
      const { loader, patched } = startWithHttps();
      loader.stop();
      loader.patchAllPending();
      assert.equal(patched.length, 0);
    });
  });

  it('patches it at the start if Node.js has no such list', () => {
    withLoaded(undefined, () => {
      const { loader, patched } = startWithHttps();
      assert.equal(patched.length, 1);
      loader.stop();
    });
  });
});

describe('an instrumentation that is disabled later', () => {
  it('keeps its patch, sees its state change, and appears as disabled until it is enabled again', () => {
    addPackage('switched', '1.0.0', run);
    let isDisabled: (() => boolean) | undefined;
    const { loader } = start([
      {
        ...wrapping('switched', [1]),
        patch: (_exports, { state }) => {
          isDisabled = () => state.isDisabled;
          return { undo: [() => {}] };
        },
      },
    ]);
    requireFrom('switched');
    const use = (disabled: readonly string[]): void =>
      loader.use({
        ignoresRequest: null,
        suppressesBelowIgnored: true,
        isDisabled: (name) => disabled.includes(name),
      });
    const seen = [[isDisabled?.(), loader.status()[0]?.state]];
    use(['switched']);
    seen.push([isDisabled?.(), loader.status()[0]?.state]);
    use([]);
    seen.push([isDisabled?.(), loader.status()[0]?.state]);
    assert.deepEqual(seen, [
      [false, 'patched'],
      [true, 'disabled'],
      [false, 'patched'],
    ]);
    loader.stop();
  });
});

describe('packages that were loaded before the loader', () => {
  it('are patched if the instrumentation allows it, and reported otherwise', () => {
    addPackage('early', '1.0.0', run);
    addPackage('late', '1.0.0', run);
    const early = requireFrom('early') as { run: () => string };
    const late = requireFrom('late') as { run: () => string };
    const { loader, box } = start([wrapping('early', [1]), { ...wrapping('late', [1]), mainFile: 'index.js' }]);
    assert.deepEqual(
      loader.status().map(({ name, state }) => [name, state]),
      [
        ['early', 'loaded-too-early'],
        ['late', 'patched'],
      ],
    );
    assert.deepEqual([early.run(), late.run()], ['host', 'traced host']);
    assert.match(box.lines.join(), /early was loaded before the sensor and is not traced/);
    loader.stop();
    assert.equal(late.run(), 'host');
  });
});
