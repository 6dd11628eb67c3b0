// The validator finds nothing in our package, each fault that is put into it, and each defect of the packages for other runtimes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asList, type JsonObject } from '../../tools/integration-package/json.js';
import { findingText, validatePackage } from '../../tools/integration-package/validate.js';
import { validateAgainstCapture } from '../../tools/integration-package/validate-capture.js';
import { repositoryRoot } from '../support/run-app.js';
import {
  at,
  copyOfOurs,
  type Files,
  goShape,
  jenkinsShape,
  nodejsCapture,
  nodejsShape,
  type PackageOnDisk,
  packageOf,
  pythonCapture,
  pythonShape,
} from './shapes.js';

test('our package has no finding', () => {
  assert.deepEqual(validatePackage(join(repositoryRoot, 'integration-package')).map(findingText), []);
});

const instance = 'dashboards/ts-sensor-instance.json';
const runtime = 'dashboards/ts-sensor-runtime.json';
const entity = 'entities/ts-sensor-runtime.json';
const cpu = 'events/high-cpu-utilization.json';
/** The chart of processor time by mode, a counter in seconds. */
const cpuTime = 'widgets.9.config.y1.metrics.0';
const memory = 'widgets.12.config.y1.metrics.0';

type Change = readonly [what: string, rule: string, change: (ours: PackageOnDisk) => void];

function edit(file: string, path: string, members: JsonObject): Change[2] {
  return (ours) =>
    ours.edit(file, (json) => {
      const target = path === '' ? json : at(json, path);
      assert.ok(Object.keys(target).length > 0, `${file} has nothing at ${path}`);
      Object.assign(target, members);
    });
}

/** Faults of one place each, with the rule that has to find it. */
const faults: readonly Change[] = [
  ['a private package', 'lint/private', edit('package.json', '', { private: true })],
  ['a name outside of the scope', 'lint/name', edit('package.json', '', { name: 'ts-sensor' })],
  ['a version with a suffix', 'lint/version', edit('package.json', '', { version: '1.0.0-rc.1' })],
  ['no author', 'lint/author', edit('package.json', '', { author: '' })],
  ['no licence', 'lint/license', edit('package.json', '', { license: null })],
  ['no description', 'lint/description', edit('package.json', '', { description: undefined })],
  ['restricted access', 'lint/access', edit('package.json', '', { publishConfig: { access: 'restricted' } })],
  ['a missing heading', 'lint/heading', (ours) => ours.rewrite('README.md', (text) => text.replace('## Events', ''))],
  ['no package.json', 'lint/manifest', (ours) => rmSync(join(ours.folder, 'package.json'))],
  ['no README', 'lint/readme', (ours) => rmSync(join(ours.folder, 'README.md'))],
  ['JSON that is none', 'json', (ours) => ours.rewrite(cpu, (text) => `${text},`)],
  ['a dashboard that nobody may see', 'lint/access-rules', edit(instance, '', { accessRules: [] })],
  ['an event without rules', 'lint/required', edit(cpu, '', { rules: [] })],
  ['an entity without identifiers', 'lint/required', edit(entity, 'data', { identifiers: [] })],

  ['a long id', 'dashboard/id', edit(instance, '', { id: 'x'.repeat(65) })],
  ['access rules that are no list', 'dashboard/access-rules', edit(runtime, '', { accessRules: null })],
  ['two dashboards of one title', 'dashboard/same-title', edit(instance, '', { title: 'TypeScript Sensor Runtime' })],
  ['no widgets', 'dashboard/widgets', edit(instance, '', { widgets: [] })],
  ['a numeric id of a widget', 'dashboard/widget-id', edit(instance, 'widgets.0', { id: 7 })],
  ['a widget without a title', 'dashboard/widget-title', edit(instance, 'widgets.0', { title: ' ' })],
  ['an unknown widget', 'dashboard/widget-type', edit(instance, 'widgets.0', { type: 'gauge' })],
  ['a widget that shows nothing', 'dashboard/widget-config', edit(instance, 'widgets.0', { config: null })],
  [
    'two dashboards of one id',
    'dashboard/same-id',
    (ours) => {
      ours.edit(instance, (json) => Object.assign(json, { id: 'one' }));
      ours.edit(runtime, (json) => Object.assign(json, { id: 'one' }));
    },
  ],
  ['a dashboard without a title', 'dashboard/title', edit(instance, '', { title: '' })],
  ['a widget beyond the twelfth column', 'dashboard/place', edit(instance, 'widgets.0', { x: 10 })],
  ['half a column', 'dashboard/place', edit(instance, 'widgets.0', { width: 2.5 })],
  ['two widgets in one place', 'dashboard/overlap', edit(instance, 'widgets.1', { x: 2 })],
  [
    'two widgets of one title',
    'dashboard/same-widget-title',
    edit(instance, 'widgets.1', { title: 'CPU utilization' }),
  ],
  ['an unknown formatter', 'dashboard/formatter', edit(instance, 'widgets.9.config.y1', { formatter: 'seconds' })],
  [
    'two widgets of one id',
    'dashboard/same-widget-id',
    (ours) => ours.edit(instance, (json) => Object.assign(at(json, 'widgets.1'), { id: at(json, 'widgets.0')['id'] })),
  ],

  ['a path that is none', 'metric/path', edit(instance, cpuTime, { metric: 'process.runtime.nodejs.cpu_time' })],
  [
    'a metric that the sensor has not',
    'metric/unknown',
    edit(instance, cpuTime, { metric: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.cputime' }),
  ],
  [
    'a counter among the gauges',
    'metric/kind',
    edit(instance, cpuTime, { metric: 'metrics.gauges.@instana/ts-sensor/process.runtime.nodejs.cpu_time' }),
  ],
  [
    'braces on the entity of the SDK',
    'metric/braces',
    edit(instance, cpuTime, { metric: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.cpu_time{type="user"}' }),
  ],
  [
    'no braces on the custom entity',
    'metric/braces',
    edit(runtime, cpuTime, { metric: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.cpu_time' }),
  ],
  [
    'an attribute that the metric has not',
    'metric/selector',
    edit(runtime, cpuTime, { metric: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.cpu_time{mode="user"}' }),
  ],
  [
    'a value that the attribute never has',
    'metric/value',
    edit(runtime, cpuTime, { metric: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.cpu_time{type="idle"}' }),
  ],
  ['a counter as an average', 'metric/counter-aggregation', edit(instance, cpuTime, { aggregation: 'MEAN' })],
  [
    'a counter averaged across series',
    'metric/counter-aggregation',
    edit(instance, cpuTime, { crossSeriesAggregation: 'MEAN' }),
  ],
  [
    'a gauge as a rate',
    'metric/aggregation',
    edit(instance, 'widgets.8.config.y1.metrics.0', { aggregation: 'PER_SECOND' }),
  ],
  ['an aggregation that there is not', 'metric/aggregation', edit(instance, cpuTime, { aggregation: 'AVERAGE' })],
  ['seconds as milliseconds', 'metric/unit', edit(instance, cpuTime, { unit: 'milisecond' })],
  ['bytes as plain numbers', 'metric/unit', edit(instance, memory, { unit: 'number' })],
  [
    'bytes on an axis of numbers',
    'metric/axis',
    edit(instance, 'widgets.12.config.y1', { formatter: 'number.compact' }),
  ],
  ['an unknown formatter of a metric', 'metric/formatter', edit(instance, memory, { formatter: 'bytes' })],
  ['another type of a metric', 'metric/type', edit(instance, memory, { type: 'otel' })],
  ['another source', 'metric/source', edit(instance, memory, { source: 'INFRASTRUCTURE' })],
  ['another path of labels', 'metric/metric-path', edit(instance, memory, { metricPath: ['Others'] })],
  ['all processes in one chart', 'metric/instance', edit(instance, memory, { tagFilterExpression: { elements: [] } })],
  ['all series in one line', 'metric/mixed-series', edit(instance, cpuTime, { grouping: [] })],
  [
    'a grouping by an attribute of another metric',
    'metric/selector',
    edit(instance, `${cpuTime}.grouping.0.by`, { groupbyTag: 'metric.tag.direction' }),
  ],
  [
    'a grouping on the custom entity',
    'metric/grouping',
    edit(runtime, cpuTime, { grouping: [{ by: { groupbyTag: 'metric.tag.type' } }] }),
  ],

  [
    'an entity for all processes',
    'entity/instance',
    edit(entity, 'data', { identifiers: ['otel.attribute.service.name'] }),
  ],
  ['an identifier of no resource', 'entity/identifier', edit(entity, 'data', { identifiers: ['service.name'] })],
  ['a dashboard that is not there', 'entity/dashboard', edit(entity, 'data.dashboards.0', { reference: 'none.json' })],
  ['an aggregation of dashboards', 'entity/aggregation', edit(entity, 'data.metrics.0', { aggregation: 'MEAN' })],
  ['a formatter of dashboards', 'entity/formatter', edit(entity, 'data.metrics.0', { formatter: 'percentage' })],
  ['a formatter of another unit', 'entity/unit', edit(entity, 'data.metrics.0', { formatter: 'BYTES' })],
  ['two metrics of one label', 'entity/same-label', edit(entity, 'data.metrics.2', { label: 'CPU utilization' })],
  ['a source that is not the name', 'entity/source', edit(entity, 'data.metrics.0', { source: 'metrics' })],
  ['another type', 'entity/metric-type', edit(entity, 'data.metrics.0', { type: 'customEntity' })],
  ['a metric without a label', 'entity/label', edit(entity, 'data.metrics.0', { label: '' })],
  [
    'a metric twice',
    'entity/same-metric',
    (ours) => ours.edit(entity, (json) => Object.assign(at(json, 'data.metrics.1'), at(json, 'data.metrics.0'))),
  ],
  ['another section', 'entity/section', edit(entity, 'data.metrics.0', { section: 'OTEL' })],

  ['an event that is neither on nor off', 'event/enabled', edit(cpu, '', { enabled: undefined })],
  ['an event without expiry', 'event/expiration', edit(cpu, '', { expirationTime: '5m' })],
  ['an aggregation of rates', 'event/aggregation', edit(cpu, 'rules.0', { aggregation: 'rate' })],
  ['an operator of programs', 'event/operator', edit(cpu, 'rules.0', { conditionOperator: '==' })],
  ['a severity of words', 'event/severity', edit(cpu, 'rules.0', { severity: 'critical' })],
  ['a window of seconds in a text', 'event/window', edit(cpu, 'rules.0', { window: '300 s' })],
  ['a threshold in a text', 'event/value', edit(cpu, 'rules.0', { conditionValue: '0.8' })],
  ['a share above one', 'event/threshold', edit('events/high-memory-usage.json', 'rules.0', { conditionValue: 85 })],
  ['a query for another entity', 'event/query', edit(cpu, '', { query: 'entity.type:"nodeJsRuntime"' })],
  ['a long name', 'event/length', edit(cpu, '', { name: 'x'.repeat(257) })],
  ['two events of one name', 'event/same-name', edit(cpu, '', { name: 'High Disk I/O in Node.js Application' })],
  [
    'two rules that nothing joins',
    'event/rule-operator',
    edit('events/memory-leak-detection.json', '', { ruleLogicalOperator: undefined }),
  ],
  [
    'six rules',
    'event/rules',
    (ours) => ours.edit(cpu, (json) => Object.assign(json, { rules: Array(6).fill(asList(json['rules'])[0]) })),
  ],
  [
    'an event on a metric of several series',
    'metric/mixed-series',
    edit(cpu, 'rules.0', { metricName: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.memory' }),
  ],
  [
    'an event on one series of several',
    'metric/braces',
    edit(cpu, 'rules.0', { metricName: 'metrics.sums.@instana/ts-sensor/process.runtime.nodejs.memory{type="rss"}' }),
  ],

  ['a label of another series', 'text/label', edit(runtime, cpuTime, { label: 'system' })],
  [
    'a slip of the pen',
    'text/misspelt',
    edit(instance, 'widgets.9', { title: 'CPU time per second, by typo of sytem' }),
  ],
  ['bytes that are called messages', 'text/unit', edit(instance, 'widgets.12', { title: 'Messages' })],
  ['an open brace', 'placeholder/form', (ours) => ours.rewrite(cpu, (text) => text.replace('80 %', '{{ 80 %'))],
  [
    'a placeholder and a brace',
    'placeholder/brace',
    (ours) => ours.rewrite(cpu, (text) => text.replace('80 %', '{{servicename}}}')),
  ],
  [
    'a placeholder in the entity',
    'placeholder/entity',
    edit(runtime, '', { title: 'TypeScript Sensor Runtime {{servicename}}' }),
  ],
  ['a placeholder of its own', 'placeholder/readme', edit(cpu, '', { description: '{{team}}' })],
  [
    'a resource attribute of no convention',
    'tag/unknown',
    edit(entity, 'data.tagFilterExpression.elements.0', { name: 'otel.attribute.sdk.language' }),
  ],
  [
    'a resource attribute untold',
    'tag/readme',
    (ours) => ours.rewrite('README.md', (text) => text.replace('| `telemetry.sdk.name` |', '| `telemetry` |')),
  ],
  [
    'a README without metrics',
    'readme/metrics',
    (ours) => ours.rewrite('README.md', (text) => text.replaceAll('| Metric |', '| Name |')),
  ],
  [
    'a metric untold',
    'readme/metric',
    (ours) => ours.rewrite('README.md', (text) => text.replace(/^\| `v8js\.gc\.duration`.*\n/m, '')),
  ],
  [
    'a server with a scheme',
    'readme/server',
    (ours) => ours.rewrite('README.md', (text) => text.replace('--server ', '--server https://')),
  ],
  ['a second import', 'readme/twice', (ours) => ours.rewrite('README.md', (text) => text.replace('a second time', ''))],
  ['a dashboard by another name', 'readme/dashboard', edit(instance, '', { title: 'TypeScript Sensor Metrics' })],
  ['an event by another name', 'readme/event', edit(cpu, '', { name: 'Busy Processor' })],
  ['an entity by another name', 'readme/entity', edit(entity, 'data', { label: 'Runtime of TypeScript' })],
];

for (const [what, rule, change] of faults) {
  test(`finds ${what}`, () => {
    const ours = copyOfOurs();
    try {
      change(ours);
      const rules = new Set(validatePackage(ours.folder).map((finding) => finding.rule));
      assert.ok(rules.has(rule), `found ${[...rules].join(', ') || 'nothing'} in place of ${rule}`);
    } finally {
      ours.remove();
    }
  });
}

const shapes: Readonly<Record<string, { readonly files: () => Files; readonly capture: readonly unknown[] }>> = {
  python: { files: pythonShape, capture: pythonCapture },
  nodejs: { files: nodejsShape, capture: nodejsCapture },
  go: { files: goShape, capture: [] },
  jenkins: { files: jenkinsShape, capture: [] },
};

/** The defects of the published packages: where they are, and the rules that find them. */
const defects: readonly (readonly [what: string, shape: string, file: string, ...rules: readonly string[]])[] = [
  ['an event that aggregates by rate', 'python', 'events/gc.json', 'event/aggregation'],
  ['an event that aggregates by count', 'python', 'events/threads.json', 'event/aggregation'],
  ['an event that aggregates by delta', 'python', 'events/disk.json', 'event/aggregation'],
  ['the operator ==', 'jenkins', 'events/stopped.json', 'event/operator'],
  ['events that omit enabled', 'python', 'events/memory.json', 'event/enabled'],
  ['entity metrics with MEAN', 'python', 'entities/python.json', 'entity/aggregation'],
  ['a README that tells to write https://', 'python', 'README.md', 'readme/server'],
  ['an event on the mix of rss and vms', 'python', 'events/memory.json', 'metric/mixed-series', 'capture/series'],
  ['an event on the mix of all heap spaces', 'nodejs', 'events/heap.json', 'metric/mixed-series', 'capture/series'],
  ['an event on the mix of all collections', 'nodejs', 'events/gc.json', 'metric/mixed-series', 'capture/series'],
  [
    'a counter charted with MEAN',
    'python',
    'dashboards/runtime.json',
    'metric/counter-aggregation',
    'capture/aggregation',
  ],
  ['a query for pythonRuntime', 'python', 'events/gc.json', 'event/query'],
  ['a query for nodeJsRuntime', 'nodejs', 'events/gc.json', 'event/query'],
  ['a query for goLangRuntime', 'go', 'events/goroutines.json', 'event/query'],
  ['an identifier without telemetry.', 'python', 'entities/python.json', 'tag/unknown', 'capture/tag'],
  ['one entity for all processes', 'python', 'entities/python.json', 'entity/instance'],
  ['entity metrics that do not exist', 'python', 'entities/python.json', 'readme/metric', 'capture/metric'],
  ['"collect 2" with count = 1', 'python', 'dashboards/runtime.json', 'text/label'],
  ['"collect 2" with count = 1, in the entity', 'python', 'entities/python.json', 'text/label'],
  ['allocations taken for collections', 'python', 'events/gc.json', 'metric/misread'],
  ['high disk I/O at 10 000 bytes a second', 'python', 'events/disk.json', 'event/threshold'],
  ['bytes titled events and messages', 'python', 'dashboards/runtime.json', 'text/unit'],
  [
    'seconds shown as milliseconds, bytes as numbers',
    'python',
    'dashboards/runtime.json',
    'metric/unit',
    'capture/unit',
  ],
  ['a dashboard by another name in the README', 'python', 'dashboards/runtime.json', 'readme/dashboard'],
  ['a dashboard by another name in the README', 'nodejs', 'dashboards/runtime.json', 'readme/dashboard'],
  ['two dashboards of one title', 'python', 'dashboards/runtime.json', 'dashboard/same-title'],
  ['two dashboards of one title', 'nodejs', 'dashboards/runtime.json', 'dashboard/same-title'],
  ['more than 0.8 bytes', 'nodejs', 'events/heap.json', 'event/threshold'],
  ['a rate of more than 0.05 bytes', 'nodejs', 'events/leak.json', 'event/threshold', 'event/aggregation'],
  ['a metric that was removed', 'nodejs', 'entities/nodejs.json', 'metric/gone', 'capture/metric'],
  ['seconds as plain numbers', 'nodejs', 'dashboards/runtime.json', 'metric/unit', 'capture/unit'],
  ['two entity metrics of one label', 'nodejs', 'entities/nodejs.json', 'entity/same-label'],
  ['"Incremantal" and "Dealy"', 'nodejs', 'dashboards/runtime.json', 'text/misspelt', 'text/label'],
  ['a precision of 5 s', 'nodejs', 'README.md', 'readme/precision'],
  ['"Frequent Major GC" that counts minor ones', 'nodejs', 'events/gc.json', 'metric/says-one-counts-all'],
];

for (const [what, shape, file, ...rules] of defects) {
  test(`in the shape of the package for ${shape} finds ${what}`, () => {
    const { files, capture } = shapes[shape] ?? { files: () => ({}), capture: [] };
    const written = packageOf(files());
    try {
      const findings = [...validatePackage(written.folder), ...validateAgainstCapture(written.folder, capture)];
      const found = new Set(findings.filter((finding) => finding.file === file).map(({ rule }) => rule));
      assert.deepEqual(
        rules.filter((rule) => !found.has(rule)),
        [],
        `found ${[...found].join(', ')}`,
      );
    } finally {
      written.remove();
    }
  });
}

test('each rule has a package that breaks it', () => {
  const sources = join(repositoryRoot, 'tools', 'integration-package');
  const rules = readdirSync(sources)
    .filter((file) => file.startsWith('validate-') && file !== 'validate-capture.ts')
    .flatMap(
      (file) =>
        readFileSync(join(sources, file), 'utf8').match(
          /(?<=')(?:lint|dashboard|metric|entity|event|text|placeholder|tag|readme)\/[a-z-]+(?=')/g,
        ) ?? [],
    );
  const broken = new Set([...faults.map(([, rule]) => rule), ...defects.flatMap(([, , , ...found]) => found)]);
  assert.ok(rules.length > 60, `${rules.length} rules`);
  assert.deepEqual(
    [...new Set(rules)].filter((rule) => !broken.has(rule)),
    [],
  );
});

test('both typos of the package for Node.js are named', () => {
  const written = packageOf(nodejsShape());
  try {
    const messages = validatePackage(written.folder)
      .filter(({ rule }) => rule === 'text/misspelt')
      .map(({ message }) => message);
    assert.deepEqual(messages.sort(), ['dealy is written delay', 'incremantal is written incremental']);
  } finally {
    written.remove();
  }
});

test('an instrumentation that loses collections is found by what is known to have taken place', () => {
  const written = packageOf(nodejsShape());
  const path = 'metrics.histograms.@opentelemetry/instrumentation-runtime-node/v8js.gc.duration{v8js.gc.type="major"}';
  try {
    const rulesFor = (count: number): boolean =>
      validateAgainstCapture(written.folder, nodejsCapture, { atLeast: { [path]: count } }).some(
        ({ rule }) => rule === 'capture/undercount',
      );
    assert.equal(rulesFor(3), false);
    assert.equal(rulesFor(10), true);
  } finally {
    written.remove();
  }
});

test('the command prints each finding and fails', () => {
  const command = join(repositoryRoot, 'build', 'tools', 'integration-package', 'validate.js');
  const written = packageOf(jenkinsShape());
  try {
    const bad = spawnSync(process.execPath, [command, written.folder], { encoding: 'utf8' });
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /^events\/stopped\.json rules\[0\]\.conditionOperator: .* \(event\/operator\)$/m);
    const good = spawnSync(process.execPath, [command], { encoding: 'utf8' });
    assert.equal(good.status, 0, good.stdout);
    assert.equal(good.stdout, '0 findings\n');
  } finally {
    written.remove();
  }
});
