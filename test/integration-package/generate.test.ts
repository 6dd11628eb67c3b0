// The integration package that is committed, and what its dashboards, entity and events have of the registry.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { healthRules } from '../../src/protocol/health-rules.js';
import { metricRegistry } from '../../src/protocol/metric-registry.js';
import { entityDashboard, instanceDashboard } from '../../tools/integration-package/dashboards.js';
import { asObject, asText } from '../../tools/integration-package/json.js';
import { packageFiles } from '../../tools/integration-package/package-files.js';
import { readPackageFolder } from '../../tools/integration-package/package-folder.js';
import { chosenSeries, type MetricReference, referencesOf } from '../../tools/integration-package/references.js';
import { repositoryRoot } from '../support/run-app.js';

const folder = join(repositoryRoot, 'integration-package');
const references = referencesOf(readPackageFolder(folder));

test('the committed package is what npm run generate makes of the registry and the rules', () => {
  const committed = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    );
  const made = packageFiles();
  assert.deepEqual(committed.sort(), [...made.keys()].sort());
  for (const [file, text] of made) assert.equal(readFileSync(join(folder, file), 'utf8'), text, file);
});

function namesIn(file: string): Set<string | undefined> {
  return new Set(references.filter((each) => each.file === file).map(({ parsed }) => parsed?.name));
}

test('both dashboards and the entity show every metric of the registry', () => {
  const all = metricRegistry.map(({ name }) => name);
  for (const file of [instanceDashboard.file, entityDashboard.file]) {
    const shown = namesIn(`dashboards/${file}`);
    assert.deepEqual(
      all.filter((name) => !shown.has(name)),
      [],
      file,
    );
  }
  const ofEntity = namesIn('entities/ts-sensor-runtime.json');
  assert.deepEqual(
    all.filter((name) => !ofEntity.has(name)),
    [],
  );
});

test('a person who reads from the top sees the tiles first, then processor, memory, event loop, collections, threads, input and output', () => {
  for (const { file } of [instanceDashboard, entityDashboard]) {
    const widgets = [
      ...new Map(references.filter((each) => each.file === `dashboards/${file}`).map((each) => [each.title, each])),
    ];
    const tiles = widgets.filter(([, { use }]) => use === 'tile').length;
    assert.ok(tiles >= 6, `${tiles} tiles`);
    assert.ok(widgets.slice(0, tiles).every(([, { use }]) => use === 'tile'));
    const areas = widgets.slice(tiles).map(([, { parsed }]) => areaOf(parsed?.name ?? ''));
    const order = ['processor', 'memory', 'event loop', 'collections', 'threads', 'input and output'];
    assert.deepEqual([...new Set(areas)], order, file);
    assert.deepEqual(
      areas,
      [...areas].sort((one, other) => order.indexOf(one) - order.indexOf(other)),
    );
  }
});

function areaOf(name: string): string {
  if (/cpu|context/.test(name)) return 'processor';
  if (/gc/.test(name)) return 'collections';
  if (/memory|heap/.test(name)) return 'memory';
  if (/eventloop/.test(name)) return 'event loop';
  return /thread|resource/.test(name) ? 'threads' : 'input and output';
}

test('resident memory is never shown in one line with the address space', () => {
  const memory = references.filter(({ parsed }) => parsed?.name === 'process.runtime.nodejs.memory');
  assert.ok(memory.length > 12);
  for (const reference of memory) assert.deepEqual(chosenSeries(reference).map(isOneValue), [true], reference.path);
  const withSpace = new Set(
    memory.filter((each) => chosenSeries(each)[0]?.[1] === 'vms' && isChart(each)).map(({ title }) => title),
  );
  assert.deepEqual([...withSpace], ['Address space']);
  assert.equal(memory.filter(({ title, use }) => title === 'Address space' && use === 'chart').length, 2);
});

function isOneValue([key, value]: readonly [string, string | null]): boolean {
  return key === 'type' && value !== null;
}

function isChart({ use }: MetricReference): boolean {
  return use === 'chart';
}

test('each rule of the local agent is an event of the package, with its thresholds', () => {
  const events = readPackageFolder(folder).files.events ?? [];
  const names = events.map(({ json }) => asText(asObject(json)['name']));
  assert.deepEqual(names.sort(), healthRules.map(({ name }) => name).sort());
  assert.equal(names.length, 10);
  for (const { name, conditions } of healthRules) {
    const rules = references.filter(({ use, title }) => use === 'event' && title === name);
    assert.deepEqual(
      rules.map(({ parsed, json }) => [
        parsed?.name,
        json['aggregation'],
        json['conditionOperator'],
        json['conditionValue'],
      ]),
      conditions.map(({ metric, aggregation, above }) => [metric, aggregation, '>', above]),
    );
  }
});
