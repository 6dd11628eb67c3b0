// The comparison of the package with what is sent: nothing for a capture of everything, and a finding for each thing that differs.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { asList, asObject, type JsonObject } from '../../tools/integration-package/json.js';
import { findingText } from '../../tools/integration-package/validate.js';
import { validateAgainstCapture } from '../../tools/integration-package/validate-capture.js';
import { repositoryRoot } from '../support/run-app.js';
import { sentOn } from './sent.js';
import { at, copyOfOurs } from './shapes.js';

const folder = join(repositoryRoot, 'integration-package');

test('on Linux everything that the package names is sent, and everything sent is told of', () => {
  assert.deepEqual(validateAgainstCapture(folder, [sentOn('linux')], { platform: 'linux' }).map(findingText), []);
});

for (const platform of ['darwin', 'win32'] as const) {
  test(`on ${platform} the README agrees, and what is missing is what Linux alone has`, () => {
    const findings = validateAgainstCapture(folder, [sentOn(platform)], { platform });
    assert.deepEqual(findings.filter(({ file }) => file === 'README.md').map(findingText), []);
    const missing = findings.map(({ message }) => /[\w.]+(?= is not sent)|type="vms"/.exec(message)?.[0] ?? message);
    const expected = ['process.runtime.nodejs.thread_count', 'system.network.io', 'type="vms"'];
    for (const name of expected) assert.ok(missing.includes(name), name);
    assert.equal(missing.includes('process.runtime.nodejs.context_switches'), platform === 'win32');
    assert.ok(!missing.includes('process.runtime.nodejs.cpu_time'));
  });
}

type Metric = JsonObject;

/** The request with one of its metrics changed; gone when the change says so. */
function changed(name: string, change: (metric: Metric) => void): unknown {
  const body = asObject(sentOn('linux'));
  const metric = asList(at(body, 'resourceMetrics.0.scopeMetrics.0')['metrics'])
    .map(asObject)
    .find((each) => each['name'] === name);
  assert.ok(metric !== undefined, name);
  change(metric);
  return body;
}

function pointsOf(metric: Metric): readonly unknown[] {
  return asList(asObject(metric['sum'] ?? metric['gauge'] ?? metric['histogram'])['dataPoints']);
}

const cpuTime = 'process.runtime.nodejs.cpu_time';
const cpu = 'process.runtime.nodejs.cpu.utilization';

/** What a sensor might send otherwise, with the rule and the files that tell. */
const differences: readonly (readonly [string, string, unknown, readonly string[]])[] = [
  [
    'a metric is sent by another name',
    'capture/metric',
    changed(cpu, (metric) => Object.assign(metric, { name: 'cpu' })),
    ['dashboards', 'entities', 'events'],
  ],
  [
    'a metric is not told of',
    'capture/unlisted',
    changed(cpu, (metric) => Object.assign(metric, { name: 'cpu' })),
    ['README.md'],
  ],
  [
    'a metric that is told of is not sent',
    'capture/not-sent',
    changed(cpu, (metric) => Object.assign(metric, { name: 'cpu' })),
    ['README.md'],
  ],
  [
    'a gauge is sent as a sum',
    'capture/kind',
    changed(cpu, (metric) => {
      Object.assign(metric, { sum: { ...asObject(metric['gauge']), isMonotonic: false }, gauge: undefined });
    }),
    ['dashboards', 'entities', 'events'],
  ],
  [
    'a counter may fall',
    'capture/aggregation',
    changed(cpuTime, (metric) => Object.assign(asObject(metric['sum']), { isMonotonic: false })),
    ['dashboards'],
  ],
  [
    'a unit is another',
    'capture/unit',
    changed(cpuTime, (metric) => Object.assign(metric, { unit: 'ms' })),
    ['dashboards', 'entities'],
  ],
  [
    'a unit is another than is told',
    'capture/readme',
    changed(cpuTime, (metric) => Object.assign(metric, { unit: 'ms' })),
    ['README.md'],
  ],
  [
    'an attribute has another key',
    'capture/attribute',
    changed(cpuTime, (metric) => {
      for (const point of pointsOf(metric)) Object.assign(at(asObject(point), 'attributes.0'), { key: 'mode' });
    }),
    ['dashboards', 'entities'],
  ],
  [
    'a value of an attribute is another',
    'capture/value',
    changed(cpuTime, (metric) => {
      Object.assign(at(asObject(pointsOf(metric)[1]), 'attributes.0'), { value: { stringValue: 'kernel' } });
    }),
    ['dashboards', 'entities'],
  ],
  [
    'a value of an attribute is not told of',
    'capture/readme',
    changed(cpuTime, (metric) => {
      Object.assign(at(asObject(pointsOf(metric)[1]), 'attributes.0'), { value: { stringValue: 'kernel' } });
    }),
    ['README.md'],
  ],
  [
    'a metric of an event gets a second series',
    'capture/series',
    changed(cpu, (metric) => {
      const gauge = asObject(metric['gauge']);
      const attributes = [{ key: 'core', value: { stringValue: '1' } }];
      gauge['dataPoints'] = [...pointsOf(metric), { attributes, asDouble: 1 }];
    }),
    ['events', 'dashboards'],
  ],
  [
    'a series has two attributes',
    'capture/attributes',
    changed(cpuTime, (metric) => {
      const point = asObject(pointsOf(metric)[0]);
      point['attributes'] = [...asList(point['attributes']), { key: 'core', value: { intValue: '1' } }];
    }),
    ['capture'],
  ],
];

for (const [what, rule, body, files] of differences) {
  test(`is told when ${what}`, () => {
    const findings = validateAgainstCapture(folder, [body], { platform: 'linux' }).filter((each) => each.rule === rule);
    for (const file of files) {
      assert.ok(
        findings.some((each) => each.file.startsWith(file)),
        `${rule} in ${file}`,
      );
    }
  });
}

const heapUsed = 'v8js.memory.heap.used';
const spaces = 'v8js.heap.space.name';

/** The request of a V8 that has other heap spaces. */
function withSpaces(change: (names: string[]) => readonly string[]): unknown {
  return changed(heapUsed, (metric) => {
    const names = pointsOf(metric).map((point) => {
      const { stringValue } = at(asObject(point), 'attributes.0.value');
      return String(stringValue);
    });
    asObject(metric['gauge'])['dataPoints'] = change(names).map((stringValue) => ({
      attributes: [{ key: spaces, value: { stringValue } }],
      asDouble: 1,
    }));
  });
}

function told(body: unknown, major: number): string[] {
  return validateAgainstCapture(folder, [body], { platform: 'linux', major }).map(
    ({ file, rule, message }) => `${rule} ${/\w+(?=")/.exec(message)?.[0]} ${file.split('/')[0]}`,
  );
}

test('a heap space that this Node.js does not have yet may be missing, and no other', () => {
  const without = (word: string): unknown => withSpaces((names) => names.filter((name) => !name.includes(word)));
  assert.deepEqual(told(without('trusted'), 20), []);
  assert.deepEqual(told(without('shared_trusted'), 22), []);
  const missing = ['shared_trusted_space', 'shared_trusted_large_object_space'];
  assert.deepEqual(
    told(without('shared_trusted'), 24).sort(),
    ['dashboards', 'entities'].flatMap((kind) => missing.map((name) => `capture/value ${name} ${kind}`)).sort(),
  );
  assert.deepEqual(told(without('old'), 20), [
    'capture/value old_space dashboards',
    'capture/value old_space entities',
  ]);
});

test('is told of a heap space that is sent and shown nowhere', () => {
  const body = withSpaces((names) => [...names, 'other_space']);
  assert.deepEqual(told(body, 26), ['capture/missed other_space dashboards', 'capture/missed other_space entities']);
});

test('is told when a chart leaves series out', () => {
  const body = withSpaces((names) => [
    ...names,
    ...Array.from({ length: 21 - names.length }, (_, at) => `space_${at}`),
  ]);
  const cut = validateAgainstCapture(folder, [body], { platform: 'linux' }).filter(
    ({ rule }) => rule === 'capture/cut',
  );
  assert.deepEqual(
    cut.map(({ file, message }) => [file, message]),
    [['dashboards/ts-sensor-instance.json', `20 series are shown of the 21 of ${heapUsed}`]],
  );
});

function withoutResource(key: string): unknown {
  const body = asObject(sentOn('linux'));
  const resource = at(body, 'resourceMetrics.0.resource');
  resource['attributes'] = asList(resource['attributes']).filter((entry) => asObject(entry)['key'] !== key);
  return body;
}

test('is told when the resource lacks what dashboards and entity select by', () => {
  const findings = validateAgainstCapture(folder, [withoutResource('service.instance.id')], { platform: 'linux' });
  const files = new Set(findings.filter(({ rule }) => rule === 'capture/tag').map(({ file }) => file));
  assert.deepEqual([...files].sort(), ['dashboards/ts-sensor-instance.json', 'entities/ts-sensor-runtime.json']);
});

test('is told when the entity asks for another language than the one sent', () => {
  const ours = copyOfOurs();
  try {
    ours.edit('entities/ts-sensor-runtime.json', (json) =>
      Object.assign(at(json, 'data.tagFilterExpression.elements.0'), { value: 'node' }),
    );
    const findings = validateAgainstCapture(ours.folder, [sentOn('linux')], { platform: 'linux' });
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      ['capture/tag-value'],
    );
  } finally {
    ours.remove();
  }
});

test('of two exports the later value counts', () => {
  const path = 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.gc_count{type="major"}';
  const gc = 'process.runtime.nodejs.gc_count';
  const later = changed(gc, (metric) => {
    for (const point of pointsOf(metric)) Object.assign(asObject(point), { asDouble: undefined, asInt: '12' });
  });
  const options = { platform: 'linux', atLeast: { [path]: 12 } } as const;
  assert.deepEqual(validateAgainstCapture(folder, [sentOn('linux'), later], options), []);
  assert.deepEqual(
    validateAgainstCapture(folder, [later, sentOn('linux')], options).map(({ rule }) => rule),
    ['capture/undercount'],
  );
});
