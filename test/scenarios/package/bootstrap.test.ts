// What `INSTANA_BOOTSTRAP` and its relatives do to a process, seen from outside: every row of the documented table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bareEnvironment, type Consumer, type Ended, makeConsumer, otherNode, run } from '../../support/consumer.js';
import { repositoryRoot } from '../../support/run-app.js';

const requirePreload = ['-r', '@instana/ts-sensor/bootstrap'];
const importPreload = ['--import', '@instana/ts-sensor/bootstrap'];

let consumer: Consumer;
before(async () => {
  consumer = await makeConsumer();
  consumer.link('express', 'koa', '@koa/router');
  consumer.put('probe.cjs', probe('require'));
  consumer.put('probe.mjs', probe('import'));
  consumer.put('hello.cjs', `console.log('hello');`);
});
after(() => consumer.remove());

/** An app with the three kinds of server, that sends itself one request each and then prints `status()`. */
function probe(system: 'require' | 'import'): string {
  const load = (name: string, path: string): string =>
    system === 'require' ? `const ${name} = require('${path}');` : `import ${name} from '${path}';`;
  return `
    ${load('http', 'node:http')}
    ${load('https', 'node:https')}
    ${load('express', 'express')}
    ${load('Koa', 'koa')}
    ${load('Router', '@koa/router')}
    ${load('sensor', '@instana/ts-sensor')}
    const router = new Router();
    router.get('/thing/:id', (ctx) => { ctx.body = 'koa'; });
    const web = express().get('/thing/:id', (req, res) => res.send('express'));
    const listeners = [(req, res) => res.end('http'), web, new Koa().use(router.routes()).callback()];
    const ask = async (listener) => {
      const server = http.createServer(listener);
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      await new Promise((resolve) => {
        const { port } = server.address();
        http.get({ host: '127.0.0.1', port, path: '/thing/1', agent: false }, (res) => res.resume().on('end', resolve));
      });
      await new Promise((resolve) => server.close(resolve));
    };
    (async () => {
      for (const listener of listeners) await ask(listener);
      console.log(JSON.stringify(sensor.status()));
    })();
  `;
}

interface Status {
  readonly bootstrap: string[];
  readonly agent: { readonly state: string };
  readonly modules: { readonly name: string; readonly state: string }[];
  readonly spans: { readonly opened: number; readonly finished: number };
  readonly faults: Record<string, number>;
}

function node(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return run(process.execPath, args, { cwd: consumer.folder, env });
}

async function statusWith(
  env: Record<string, string>,
  preload: readonly string[] = requirePreload,
): Promise<{ status: Status; stderr: string; patched: string }> {
  const file = preload === importPreload ? 'probe.mjs' : 'probe.cjs';
  const { code, stdout, stderr } = await node([...preload, file], env);
  assert.equal(code, 0, stderr);
  const status = JSON.parse(stdout) as Status; // the probe prints nothing else
  assert.deepEqual(status.faults, {});
  const names = status.modules.filter(({ state }) => state === 'patched').map(({ name }) => name);
  return { status, stderr, patched: names.sort().join() };
}

const httpModules = 'fetch,http,https,opentracing';
const everything = '@koa/router,express,fetch,http,https,koa,opentracing';

const rows: readonly { value: string | undefined; words: string[]; patched: string; spans: number }[] = [
  { value: undefined, words: ['all'], patched: everything, spans: 3 },
  { value: '', words: ['all'], patched: everything, spans: 3 },
  { value: 'all', words: ['all'], patched: everything, spans: 3 },
  { value: 'http', words: ['http'], patched: httpModules, spans: 3 },
  { value: 'express', words: ['express'], patched: 'express,fetch,http,https,opentracing', spans: 3 },
  { value: 'koa', words: ['koa'], patched: '@koa/router,fetch,http,https,koa,opentracing', spans: 3 },
  { value: 'runtime', words: ['runtime'], patched: '', spans: 0 },
  { value: 'express,koa', words: ['express', 'koa'], patched: everything, spans: 3 },
  { value: ' Express , KOA ,', words: ['express', 'koa'], patched: everything, spans: 3 },
  { value: 'runtime,http', words: ['runtime', 'http'], patched: httpModules, spans: 3 },
];

for (const { value, words, patched, spans } of rows) {
  for (const [flag, preload] of [
    ['-r', requirePreload],
    ['--import', importPreload],
  ] as const) {
    test(`INSTANA_BOOTSTRAP ${value === undefined ? 'unset' : JSON.stringify(value)}, ${flag}`, async () => {
      const found = await statusWith(value === undefined ? {} : { INSTANA_BOOTSTRAP: value }, preload);
      assert.deepEqual(found.status.bootstrap, words);
      assert.equal(found.patched, patched);
      assert.equal(found.status.spans.finished, spans);
      assert.notEqual(found.status.agent.state, 'off');
      assert.equal(found.stderr, '');
    });
  }
}

test('AUTOWRAPT_BOOTSTRAP is read when INSTANA_BOOTSTRAP is unset', async () => {
  const { status } = await statusWith({ AUTOWRAPT_BOOTSTRAP: 'runtime' });
  assert.deepEqual(status.bootstrap, ['runtime']);
  const both = await statusWith({ AUTOWRAPT_BOOTSTRAP: 'runtime', INSTANA_BOOTSTRAP: 'http' });
  assert.deepEqual(both.status.bootstrap, ['http']);
});

for (const value of ['django', 'flask', 'django19', 'django,flask']) {
  test(`${value}, a word of the Python sensor, counts as unset`, async () => {
    const { status, stderr } = await statusWith({ AUTOWRAPT_BOOTSTRAP: value });
    assert.deepEqual(status.bootstrap, ['all']);
    assert.equal(stderr, '');
  });
}

test('an unknown word gets one warning with the valid words and the nearest, and the rest applies', async () => {
  const { status, stderr, patched } = await statusWith({ INSTANA_BOOTSTRAP: 'htpp,express' });
  assert.equal(
    stderr,
    '[ts-sensor] warn: INSTANA_BOOTSTRAP has the unknown word "htpp", which is ignored; did you mean http? Valid words: all, http, express, koa, runtime\n',
  );
  assert.deepEqual(status.bootstrap, ['express']);
  assert.equal(patched, 'express,fetch,http,https,opentracing');
});

test('with INSTANA_DISABLE_AUTO_INSTR, whatever its value, only opentracing is given the tracer, and manual spans work', async () => {
  for (const value of ['1', 'true', 'false']) {
    const { status, patched } = await statusWith({ INSTANA_DISABLE_AUTO_INSTR: value });
    assert.equal(patched, 'opentracing');
    assert.equal(status.spans.finished, 0);
    assert.notEqual(status.agent.state, 'off');
  }
  consumer.put(
    'by-hand.cjs',
    `const { tracer, status } = require('@instana/ts-sensor');
     tracer.startSpan('work').finish();
     console.log(JSON.stringify(status()));`,
  );
  const { stdout } = await node([...requirePreload, 'by-hand.cjs'], { INSTANA_DISABLE_AUTO_INSTR: '1' });
  assert.equal((JSON.parse(stdout) as Status).spans.finished, 1);
});

test('with INSTANA_TRACING_DISABLE=true no span is made, and the metrics stay', async () => {
  const { status, patched } = await statusWith({ INSTANA_TRACING_DISABLE: 'true' });
  assert.equal(patched, '');
  assert.equal(status.spans.opened, 0);
  assert.notEqual(status.agent.state, 'off');
});

for (const manager of ['npm', 'npx', 'corepack']) {
  test(`${manager} itself is left alone`, async (t) => {
    const bare = await run(manager, ['--version'], { cwd: consumer.folder }).catch(() => null);
    if (bare === null) return t.skip(`${manager} is not installed`);
    const traced = await run(manager, ['--version'], {
      cwd: consumer.folder,
      env: {
        NODE_OPTIONS: '-r @instana/ts-sensor/bootstrap',
        INSTANA_DEBUG: '1',
        INSTANA_AGENT_HOST: '127.0.0.1',
        INSTANA_AGENT_PORT: '9',
      },
    });
    assert.deepEqual(traced, bare);
  });
}

for (const script of [
  'npm-cli.js',
  'npm-prefix.js',
  'npx-cli.js',
  'yarn.js',
  'yarn-4.5.0.cjs',
  'yarn',
  'pnpm.cjs',
  'pnpm',
  'corepack.js',
  'npm',
]) {
  test(`a package manager's script ${script} is left alone, also with --import`, async () => {
    const file = consumer.put(
      join('managers', script),
      `console.log(globalThis[Symbol.for('@instana/ts-sensor')] === undefined)`,
    );
    for (const preload of [requirePreload, importPreload])
      assert.equal((await node([...preload, file])).stdout, 'true\n');
  });
}

test('under --import an app that may start no worker threads starts, and its own servers are traced', async () => {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const permission = major >= 24 ? '--permission' : '--experimental-permission';
  const allowed = [permission, '--allow-fs-read=*', ...(major >= 26 ? ['--allow-net'] : [])];
  const { code, stdout, stderr } = await node([...allowed, ...importPreload, consumer.put('may.mjs', probe('import'))]);
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as Status).spans.finished, 3, stderr);
});

for (const [way, app] of [
  ['require', `require('https');`],
  ['process.getBuiltinModule', `process.getBuiltinModule?.('node:https') ?? require('node:https');`],
  ['a static import', `import { request } from 'node:https';`],
  ['a dynamic import', `await import('https');`],
] as const) {
  test(`https is not loaded for the sensor, and is patched when the application loads it, by ${way}`, async () => {
    const file = consumer.put(
      `https-by-${way.replace(/\W/g, '-')}.${app.includes('import') ? 'mjs' : 'cjs'}`,
      `${app}
       // Calls are traced below a span only, and as it starts all is patched.
       const { status, tracer } = ${app.includes('import') ? `(await import('@instana/ts-sensor')).default` : `require('@instana/ts-sensor')`};
       tracer.startSpan('work').finish();
       console.log(JSON.stringify(status()));`,
    );
    const stateOf = async (path: string): Promise<string | undefined> => {
      const { stdout, stderr } = await node([...requirePreload, path]);
      assert.equal(stderr, '');
      return (JSON.parse(stdout) as Status).modules.find(({ name }) => name === 'https')?.state;
    };
    assert.equal(await stateOf(file), 'patched');
    const without = consumer.put(
      'no-https.cjs',
      `const { status, tracer } = require('@instana/ts-sensor');
       tracer.startSpan('work').finish();
       console.log(JSON.stringify(status()));`,
    );
    assert.equal(await stateOf(without), 'not-loaded');
  });
}

test('what a package manager starts is traced', async () => {
  consumer.put(
    'run/package.json',
    JSON.stringify({ name: 'run', scripts: { start: 'node ../probe.cjs' }, private: true }),
  );
  const { stdout, stderr } = await run('npm', ['start', '--silent'], {
    cwd: join(consumer.folder, 'run'),
    env: { NODE_OPTIONS: '-r @instana/ts-sensor/bootstrap' },
  });
  assert.equal((JSON.parse(stdout) as Status).spans.finished, 3, stderr);
});

test('loaded twice, by every way there is, it is one sensor', async () => {
  const twice = [...requirePreload, ...requirePreload, ...importPreload];
  for (const file of ['probe.cjs', 'probe.mjs']) {
    const { stdout, stderr } = await node([...twice, file], { NODE_OPTIONS: requirePreload.join(' ') });
    const status = JSON.parse(stdout) as Status;
    assert.equal(status.spans.finished, 3);
    assert.equal(stderr, '');
  }
});

test('beside the active official sensor it does not start and says so in one line', async () => {
  const mark = consumer.put('mark.cjs', 'global.__INSTANA_INITIALIZED = true;');
  for (const preload of [requirePreload, importPreload]) {
    const { code, stdout, stderr } = await node(['-r', mark, ...preload, 'hello.cjs']);
    assert.deepEqual(
      { code, stdout, stderr },
      {
        code: 0,
        stdout: 'hello\n',
        stderr: '[ts-sensor] warn: @instana/collector is active in this process; ts-sensor does not start beside it\n',
      },
    );
  }
});

test('beside the active official sensor it does not start by code either', async () => {
  const file = consumer.put(
    'beside.cjs',
    `global.__INSTANA_INITIALIZED = true;
    const sensor = require('@instana/ts-sensor');
    sensor.configure({ serviceName: 'beside' });
    sensor.tracer.startSpan('x').finish();
    console.log(sensor.status().agent.state);`,
  );
  const { stdout, stderr } = await node([file]);
  assert.equal(stdout, 'off\n');
  assert.match(stderr, /^\[ts-sensor\] warn: @instana\/collector is active [^\n]*\n$/);
});

test('importing the package starts nothing; using the tracer does', async () => {
  const file = consumer.put(
    'lazy.cjs',
    `const { status, tracer } = require('@instana/ts-sensor');
     const before = status();
     const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
     tracer.startSpan('work').finish();
     console.log(JSON.stringify({ before, timers, after: status() }));`,
  );
  const { stdout, stderr } = await node([file]);
  const { before, timers, after } = JSON.parse(stdout) as { before: Status; timers: number; after: Status };
  assert.equal(before.agent.state, 'off');
  assert.deepEqual(before.bootstrap, []);
  assert.deepEqual(before.modules, []);
  assert.equal(timers, 0);
  assert.notEqual(after.agent.state, 'off');
  assert.equal(stderr, '');
});

test('configure() starts it too, and covers what is loaded afterwards', async () => {
  const file = consumer.put(
    'from-code.cjs',
    `require('@instana/ts-sensor').configure({ serviceName: 'from code' });\n${readFileSync(join(consumer.folder, 'probe.cjs'), 'utf8')}`,
  );
  const { stdout } = await node([file]);
  const status = JSON.parse(stdout) as Status & { service: string };
  assert.equal(status.service, 'from code');
  assert.equal(status.spans.finished, 3);
});

for (const major of [12, 18]) {
  test(`on Node.js ${major} it prints one line and leaves the application alone`, async (t) => {
    const other = otherNode(major);
    if ('missing' in other) return t.skip(other.missing);
    const { code, stdout, stderr } = await run(other.path, [...requirePreload, 'hello.cjs'], { cwd: consumer.folder });
    assert.match(
      stderr,
      new RegExp(
        `^\\[ts-sensor\\] warn: Node\\.js ${major}\\.[\\d.]+ is not supported, 20 or newer is needed; nothing is traced\\n$`,
      ),
    );
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'hello\n' });
    if (major < 18) return;
    // Node.js 12 has no --import.
    const imported = await run(other.path, [...importPreload, 'hello.cjs'], { cwd: consumer.folder });
    assert.deepEqual({ code: imported.code, stdout: imported.stdout }, { code: 0, stdout: 'hello\n' });
    assert.equal(imported.stderr, stderr);
  });
}

test('the preload uses no syntax that Node.js 12 does not know', () => {
  const source = readFileSync(join(repositoryRoot, 'build/src/bootstrap.js'), 'utf8');
  assert.doesNotMatch(source, /\?\.|\?\?|\|\|=|&&=|#[a-z]+[;(=]|\bawait\b|\bimport\(/);
});

const strict = ['--trace-warnings', '--throw-deprecation', '--pending-deprecation'];

for (const major of [20, 22, 24, 26]) {
  for (const [flag, preload, file] of [
    ['-r', requirePreload, 'probe.cjs'],
    ['--import', importPreload, 'probe.cjs'],
    ['-r', requirePreload, 'probe.mjs'],
    ['--import', importPreload, 'probe.mjs'],
  ] as const) {
    test(`no warning and no deprecation on Node.js ${major}, ${flag} ${file}`, async (t) => {
      const isOurs = Number.parseInt(process.versions.node, 10) === major;
      const other = isOurs ? { path: process.execPath } : otherNode(major);
      if ('missing' in other) return t.skip(other.missing);
      const options = { cwd: consumer.folder, env: bareEnvironment() };
      const { code, stdout, stderr } = await run(other.path, [...strict, ...preload, file], options);
      assert.equal(stderr, '');
      assert.equal(code, 0);
      assert.equal((JSON.parse(stdout) as Status).spans.finished, 3);
    });
  }
}

for (const major of [20, 22, 24, 26]) {
  test(`under --import on Node.js ${major} https is patched before the first ES module that imports it runs`, async (t) => {
    const isOurs = Number.parseInt(process.versions.node, 10) === major;
    const other = isOurs ? { path: process.execPath } : otherNode(major);
    if ('missing' in other) return t.skip(other.missing);
    const tell = `
      import sensor from '@instana/ts-sensor';
      sensor.tracer.startSpan('work').finish(); // whatever is still to be patched is patched now
      const { state } = sensor.status().modules.find(({ name }) => name === 'https');`;
    // By a name of the application's own: only what that is resolved to tells.
    consumer.put('keeps/package.json', JSON.stringify({ type: 'module', imports: { '#secure': 'https' } }));
    consumer.put(
      'keeps/keeps.mjs',
      `import https, { request } from '#secure';
      const kept = [https.request, request];
      ${tell}
      console.log(state, kept[0] === https.request, kept[1] === request);`,
    );
    consumer.put('none.mjs', `${tell}\nconsole.log(state);`);
    const options = { cwd: consumer.folder, env: bareEnvironment() };
    const keeps = await run(other.path, [...importPreload, 'keeps/keeps.mjs'], options);
    assert.deepEqual([keeps.stdout, keeps.stderr], ['patched true true\n', '']);
    const none = await run(other.path, [...importPreload, 'none.mjs'], options);
    // A hook in a thread of its own is heard too late, so there it is loaded for everybody.
    assert.deepEqual([none.stdout, none.stderr], [major === 20 ? 'patched\n' : 'not-loaded\n', '']);
  });
}

test('no warning while it talks to an agent either', async () => {
  consumer.put('stay.cjs', `setTimeout(() => {}, 1500);`);
  for (const preload of [requirePreload, importPreload]) {
    const { code, stderr } = await node([...strict, ...preload, 'stay.cjs']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  }
});
