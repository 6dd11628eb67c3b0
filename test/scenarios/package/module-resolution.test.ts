// The types of every path of `exports`, in the packed tarball, under each way in which TypeScript 5 and 7 look for modules.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Consumer, makeConsumer, run } from '../../support/consumer.js';
import { repositoryRoot } from '../../support/run-app.js';

const name = '@instana/ts-sensor';
const paths = {
  sensor: name,
  bootstrap: `${name}/bootstrap`,
  agent: `${name}/agent`,
  manifest: `${name}/package.json`,
};

let consumer: Consumer;
before(async () => {
  consumer = await makeConsumer();
  consumer.link('@types/node', 'undici-types');
});
after(() => consumer.remove());

// Each line after `@ts-expect-error` is an error, so no name can be `any`.
const uses: Record<keyof typeof paths, string> = {
  sensor: `
    export const html: string = sensor.eumSnippet({ apiKey: 'k' });
    const options: import('${paths.sensor}').SensorOptions = { serviceName: 'shop' };
    sensor.configure(options);
    // @ts-expect-error
    sensor.configure({ agentPort: 'a word' });
    // @ts-expect-error
    sensor.nothing;`,
  bootstrap: `
    // @ts-expect-error
    bootstrap.nothing;`,
  agent: `
    export const running: Promise<import('${paths.agent}').RunningAgent> = agent.startAgent({ port: 0 });
    // @ts-expect-error
    agent.startAgent({ port: 'a word' });
    // @ts-expect-error
    agent.nothing;`,
  manifest: `
    export const version: string = manifest.version;
    // @ts-expect-error
    manifest.nothing;`,
};

const sideEffects = `
  import '${paths.sensor}';
  import '${paths.bootstrap}';
  import '${paths.agent}';
  // @ts-expect-error
  import '${name}/nothing';
  // @ts-expect-error
  import '${paths.agent}.js';`;

function program(declare: (local: string, path: string) => string, wanted = Object.keys(paths)): string {
  const found = Object.entries(paths).filter(([local]) => wanted.includes(local));
  return found.map(([local, path]) => declare(local, path) + uses[local as keyof typeof paths]).join('\n');
}

const modules = ['sensor', 'bootstrap', 'agent'];
const imported = program((local, path) => `import * as ${local} from '${path}';`, modules);
const importedWithJson = program((local, path) => `import * as ${local} from '${path}';`);
const required = program((local, path) => `import ${local} = require('${path}');`);
const namedImports = `
  import { type AgentOptions, type RunningAgent, startAgent } from '${paths.agent}';
  import { type SensorStatus, status, tracer } from '${paths.sensor}';
  const options: AgentOptions = { port: 0, quiet: true };
  export const url: Promise<string> = startAgent(options).then((running: RunningAgent) => running.url);
  export const known: SensorStatus = status();
  tracer.startSpan('work', { tags: { a: 1 } }).finish();
  // @ts-expect-error
  export const wrong: Promise<number> = startAgent(options).then((running: RunningAgent) => running.url);
  // @ts-expect-error
  import { nothing } from '${paths.agent}';`;
const dynamic = `export async function load(): Promise<void> {
    ${modules.map((local) => `const ${local} = await import('${paths[local as keyof typeof paths]}');`).join('\n')}
    ${modules
      .map((local) => uses[local as keyof typeof paths])
      .join('\n')
      .replaceAll('export const', 'const')}
    void [html, running];
  }`;
const script = `
  const agent = require('${paths.agent}');
  const bootstrap = require('${paths.bootstrap}');
  /** @type {Promise<import('${paths.agent}').RunningAgent>} */
  const running = agent.startAgent({ port: 0 });
  // @ts-expect-error
  agent.nothing;
  // @ts-expect-error
  bootstrap.nothing;`;

const files = { 'effects.ts': sideEffects, 'names.ts': namedImports, 'later.ts': dynamic };
const node10 = { ...files, 'all.ts': importedWithJson };
const commonJs = { ...node10, 'required.ts': required, 'script.js': script };
const node16 = {
  ...files,
  'script.cjs': script,
  'required.cts': required,
  'required.mts': required,
  'all.cts': imported,
  'all.mts': imported,
  'effects.mts': sideEffects,
  'names.mts': namedImports,
  'later.mts': dynamic,
};
const bundler = { ...files, 'all.ts': imported };

const es2022 = { target: 'es2022', lib: ['es2022'] };
type Case = readonly [compiler: string, options: Readonly<Record<string, unknown>>, files: Record<string, string>];
const cases: Record<string, Case> = {
  'CommonJS with all other defaults': ['typescript5', { module: 'commonjs' }, commonJs],
  'CommonJS with esModuleInterop': ['typescript5', { module: 'commonjs', esModuleInterop: true, ...es2022 }, commonJs],
  'node10 for a bundle': ['typescript5', { module: 'esnext', moduleResolution: 'node10', ...es2022 }, node10],
  node16: ['typescript5', { module: 'node16', ...es2022 }, node16],
  'node16 without esModuleInterop': ['typescript5', { module: 'node16', esModuleInterop: false, ...es2022 }, node16],
  nodenext: ['typescript5', { module: 'nodenext', ...es2022 }, node16],
  'bundler with all other defaults': ['typescript5', { module: 'esnext', moduleResolution: 'bundler' }, bundler],
  'bundler with esModuleInterop': [
    'typescript5',
    { module: 'esnext', moduleResolution: 'bundler', esModuleInterop: true, ...es2022 },
    bundler,
  ],
  'bundler for modules that are preserved': [
    'typescript5',
    { module: 'preserve', ...es2022 },
    { ...bundler, 'required.ts': required },
  ],
  'TypeScript 7 and CommonJS': ['typescript', { module: 'commonjs' }, commonJs],
  'TypeScript 7 and node16': ['typescript', { module: 'node16' }, node16],
  'TypeScript 7 and nodenext': ['typescript', { module: 'nodenext' }, node16],
  'TypeScript 7 and bundler': ['typescript', { module: 'esnext', moduleResolution: 'bundler' }, bundler],
};

test('every path of exports is among those that are compiled here', () => {
  const { exports } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { exports: object };
  assert.deepEqual(
    Object.keys(exports)
      .map((path) => join(name, path))
      .sort(),
    Object.values(paths).sort(),
  );
});

describe('every path of exports has types under', () => {
  let count = 0;
  for (const [what, [compiler, options, texts]] of Object.entries(cases)) {
    test(what, async () => {
      const folder = `case${count++}`;
      for (const [file, text] of Object.entries(texts)) consumer.put(`${folder}/${file}`, text);
      const compilerOptions = {
        strict: true,
        skipLibCheck: false,
        noUncheckedSideEffectImports: true,
        allowJs: true,
        checkJs: true,
        resolveJsonModule: true,
        types: ['node'],
        noEmit: true,
        ...options,
      };
      const config = consumer.put(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*'] }));
      const tsc = join(repositoryRoot, 'node_modules', compiler, 'bin/tsc');
      const { code, stdout } = await run(process.execPath, [tsc, '-p', config], { timeoutMs: 120_000 });
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    });
  }
});
