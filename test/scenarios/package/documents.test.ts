// The documents say what the sources say: options, variables, links, commands.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type Option, options } from '../../../src/config/options.js';
import { instrumentations } from '../../../src/instrumentation/instrumentations.js';
import { type OtlpAttribute, otlpResource } from '../../../src/otlp/resource.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import { documentNames, readDocument, tableRows } from '../../support/documents.js';
import { repositoryRoot } from '../../support/run-app.js';

/** How Configuration.md writes a default. */
function shownDefault({ default: value }: Option): string {
  if (value === null) return '–';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join();
  if (typeof value !== 'object') return `\`${value}\``;
  if (Object.keys(value).length === 0) return 'none';
  const { matcher, keywords } = value as { matcher: string; keywords: string[] }; // the only other object there is
  return `\`${matcher}:${keywords.join()}\``;
}

test('Configuration.md has the option table, row by row', () => {
  const expected = options.map((option) => [
    `\`${option.name}\``,
    option.env.map((name) => `\`${name}\``).join(', ') || '–',
    shownDefault(option),
    option.expected,
    option.meaning,
    option.agent === undefined ? '–' : `\`${option.agent}\``,
  ]);
  assert.deepEqual(tableRows('Configuration.md', 'option'), expected);
});

/** Files of a folder of the sources, with their text. */
function sources(folder: string): string {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => readFileSync(join(repositoryRoot, folder, file), 'utf8'))
    .join('\n');
}

const variable = /\b(?:INSTANA|AUTOWRAPT)_[A-Z0-9_]*[A-Z0-9]\b/g;

test('every variable that the sources read is documented, and no other', () => {
  const read = new Set(
    sources('src')
      .replaceAll('__INSTANA_INITIALIZED', '') // the official sensor's mark, which is no variable of the environment
      .match(variable),
  );
  const documented = new Set(documentNames().flatMap((name) => readDocument(name).match(variable) ?? []));
  const described = new Set(readDocument('Configuration.md').match(variable));
  assert.deepEqual(
    [...read].filter((name) => !described.has(name)),
    [],
  );
  assert.deepEqual(
    [...documented].filter((name) => !read.has(name)),
    [],
  );
});

test('every option that a document names exists', () => {
  const known = new Set(options.flatMap(({ name }) => [name, ...name.split('.')]));
  const inObjects = documentNames().flatMap((name) => [
    ...readDocument(name).matchAll(/`((?:tracing|metrics)\.[\w.]+)`/g),
  ]);
  const agentPaths = new Set(options.map(({ agent }) => agent));
  const unknown = inObjects.map(([, name = '']) => name).filter((name) => !known.has(name) && !agentPaths.has(name));
  assert.deepEqual(unknown, []);
});

test('README.md names every major that is patched', () => {
  const readme = readDocument('README.md');
  const named: Record<string, string> = {
    express: 'Express 4 and 5',
    router: '`router` 1 and 2',
    koa: 'Koa 2 and 3',
    'koa-router': '`koa-router` 12 to 14',
    '@koa/router': '`@koa/router` 12 to 15',
    'koa-route': '`koa-route` 3 and 4',
    bluebird: 'bluebird 2 and 3',
  };
  for (const [module, words] of Object.entries(named)) {
    const record = instrumentations.find((candidate) => candidate.module === module || candidate.name === module);
    const versions = record?.versions ?? [];
    const shown = versions.length === 2 ? versions.join(' and ') : `${versions[0]} to ${versions.at(-1)}`;
    assert.ok(words.endsWith(shown), `${words}, but the catalogue has ${versions.join()}`);
    assert.ok(readme.includes(words), words);
  }
});

/** What a page has under a heading of the second level. */
function sectionOf(document: string, heading: string): string {
  const [, section = ''] = `${readDocument(document)}\n## `.split(`\n## ${heading}\n`);
  return section.slice(0, section.indexOf('\n## '));
}

test('docs/privacy.md lists what OTLP sends about process, host and environment', () => {
  const section = sectionOf('docs/privacy.md', 'What leaves the process');
  const attributesWith = (env: NodeJS.ProcessEnv, root: string): readonly OtlpAttribute[] =>
    otlpResource({
      env,
      root,
      serviceName: null,
      serviceInstanceId: null,
      packageName: null,
      sensorVersion: '1.0.0',
      pid: 1,
      agentUuid: 'agent',
      secrets: new Redactor({ matcher: 'none', keywords: [] }),
      warn: () => {},
    });
  const files = [...section.matchAll(/`\/([\w/]+\/machine-id)`/g)].map(([, file = '']) => file);
  assert.equal(files.length, 2);
  for (const file of files) {
    const root = mkdtempSync(join(tmpdir(), 'ts-sensor-documents-'));
    try {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '0123456789abcdef0123456789abcdef\n');
      const keys = attributesWith({}, root).map(({ key }) => key);
      assert.ok(keys.includes('host.id'), file);
      for (const key of keys) assert.ok(key.startsWith('telemetry.sdk.') || section.includes(`\`${key}\``), key);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
  const configuration = readDocument('Configuration.md');
  const names = new Set(configuration.match(/\b(?:INSTANA|OTEL)_[A-Z0-9_]*[A-Z0-9]\b/g));
  const leaving = [...names].filter((name) =>
    JSON.stringify(attributesWith({ [name]: 'a=marker' }, '/')).includes('marker'),
  );
  assert.deepEqual(leaving.sort(), ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME']);
  const ofService = options.find(({ name }) => name === 'serviceName')?.env ?? [];
  for (const name of [...leaving, ...ofService, 'OTEL_EXPORTER_OTLP_HEADERS'])
    assert.ok(section.includes(`\`${name}\``), name);
  assert.match(section, /`tracestate` [^;]*`traceState`/);
  assert.match(sectionOf('docs/privacy.md', 'What never does'), /\bother variables of the environment\b/);
});

/** As GitHub makes the anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

test('every link leads somewhere', () => {
  for (const name of documentNames()) {
    const text = readDocument(name).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.startsWith('https://')) {
        assert.ok(URL.canParse(target), `${name}: ${target}`);
        continue;
      }
      const [file = '', hash] = target.split('#');
      const path = file === '' ? name : join(dirname(name), file);
      assert.ok(existsSync(join(repositoryRoot, path)), `${name}: ${target}`);
      if (hash === undefined) continue;
      const anchors = [...readDocument(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading));
      assert.ok(anchors.includes(hash), `${name}: ${target}`);
    }
  }
});

/** The pages that come with the package. */
function publishedPages(): string[] {
  const { files } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { files: string[] };
  const excluded = files.filter((file) => file.startsWith('!')).map((file) => file.slice(1));
  return documentNames().filter(
    (name) =>
      name === 'README.md' ||
      files.includes(name) ||
      (files.includes('docs/*.md') && /^docs\/[^/]+\.md$/.test(name) && !excluded.includes(name)),
  );
}

test('published pages link to published pages only, so that links work in an installed package', () => {
  const published = publishedPages();
  assert.ok(published.includes('docs/opentracing.md'));
  for (const name of published) {
    const text = readDocument(name).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)) {
      if (target.startsWith('https://')) continue;
      const path = join(dirname(name), target);
      assert.ok(path === 'LICENSE' || published.includes(path), `${name}: ${target}`);
    }
  }
});

test('README.md is at most 200 lines long and links to every other published page', () => {
  const readme = readDocument('README.md');
  assert.ok(readme.split('\n').length <= 200);
  for (const page of publishedPages().filter((name) => name !== 'README.md'))
    assert.ok(readme.includes(`](${page})`), page);
});

test('NODE_OPTIONS is shown with --require, never with -r, which next dev turns into an invalid flag', () => {
  for (const name of documentNames()) assert.doesNotMatch(readDocument(name), /NODE_OPTIONS=["']?-r\b/, name);
});

test('the log lines that docs/troubleshooting.md explains are those of the sources', () => {
  // Not the variable that a line begins with. That an agent was found is put together when logged, and compared with what the demo prints.
  const text = `${sources('src')}${readDocument('docs/local-agent.md')}`;
  const lines = tableRows('docs/troubleshooting.md', 'line').map(([line = '']) => line.replaceAll('`', ''));
  assert.ok(lines.length > 3);
  for (const line of lines)
    for (const part of line.split(/…|\d+|INSTANA_\w+/).filter((piece) => /\w/.test(piece)))
      assert.ok(text.includes(part.trim()), `${line}: ${part}`);
});

test('every file and folder that a document names in code exists', () => {
  for (const name of documentNames().filter((document) => document !== 'CHANGELOG.md')) {
    const text = readDocument(name).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, path = ''] of text.matchAll(
      /`((?:src|test|bench|scripts|docs|tools|integration-package|\.ci)\/[\w./-]+)`/g,
    )) {
      assert.ok(existsSync(join(repositoryRoot, path)), `${name}: ${path}`);
    }
  }
});

test('every npm script that a document names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of documentNames()) {
    for (const [, script = ''] of readDocument(name).matchAll(/\bnpm run ([\w:]+)/g))
      assert.ok(scripts[script] !== undefined, `${name}: npm run ${script}`);
  }
});

test('no document tells where it was written', () => {
  for (const name of documentNames()) assert.doesNotMatch(readDocument(name), /\/work\/|\/tmp\/|\/home\/|localhost:\d/);
});
