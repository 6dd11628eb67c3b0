// The registry of metrics: one record for each, by which payloads, rules and documents find it.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  existsOn,
  findMetric,
  metricPath,
  metricRegistry,
  metricScope,
} from '../../../src/protocol/metric-registry.js';

test('every metric is there once, under a name of dots and lower case', () => {
  assert.equal(new Set(metricRegistry.map(({ name }) => name)).size, metricRegistry.length);
  for (const { name } of metricRegistry) assert.match(name, /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/);
});

test('every metric has words for a person, and titles differ', () => {
  assert.equal(new Set(metricRegistry.map(({ title }) => title)).size, metricRegistry.length);
  for (const { name, title, description } of metricRegistry) {
    assert.match(title, /^[A-Z]/, name);
    assert.match(description, /^[A-Z0-9].*[^.]$/s, name);
  }
});

test('every rate is a gauge in a unit a second, and every ratio is without a unit', () => {
  for (const { name, kind, unit } of metricRegistry) {
    if (/(\.|_)rate$/.test(name)) assert.ok(kind === 'gauge' && unit.endsWith('/s'), name);
    if (/utilization$|ratio$/.test(name)) assert.ok(kind === 'gauge' && unit === '1', name);
    if (unit.endsWith('/s')) assert.match(name, /rate$/);
  }
});

test('every attribute has a key, and its values differ', () => {
  for (const { name, attribute } of metricRegistry) {
    if (attribute === null) continue;
    assert.match(attribute.key, /^[a-z0-9.]+$/, name);
    if (attribute.values === null) continue;
    assert.ok(attribute.values.length > 1, name);
    assert.equal(new Set(attribute.values).size, attribute.values.length, name);
    for (const value of Object.keys(attribute.platformsOf ?? {})) assert.ok(attribute.values.includes(value), name);
  }
});

test('every metric exists on Linux, and on the platforms that it names', () => {
  for (const metric of metricRegistry) {
    assert.ok(existsOn(metric, 'linux'), metric.name);
    for (const platform of ['linux', 'darwin', 'win32'] as const)
      assert.equal(existsOn(metric, platform), metric.platforms.includes(platform), `${metric.name} on ${platform}`);
  }
});

test('a metric that needs no particular platform exists on those that Node.js may run on later', () => {
  const [anywhere] = metricRegistry.filter(({ platforms }) => platforms.length === 3);
  const [linuxOnly] = metricRegistry.filter(({ platforms }) => platforms.length === 1);
  assert.ok(anywhere !== undefined && linuxOnly !== undefined);
  assert.equal(existsOn(anywhere, 'freebsd'), true);
  assert.equal(existsOn(linuxOnly, 'freebsd'), false);
});

test('finds a metric by its name, and nothing by another', () => {
  for (const metric of metricRegistry) assert.equal(findMetric(metric.name), metric);
  for (const name of ['', 'constructor', '__proto__', 'system.disk', 'SYSTEM.DISK.IO'])
    assert.equal(findMetric(name), undefined, name);
});

test('makes the path by which Instana knows a metric from its kind and the scope', () => {
  assert.equal(metricScope, '@instana/ts-sensor');
  for (const [kind, expected] of [
    ['gauge', 'metrics.gauges.@instana/ts-sensor/a.b'],
    ['histogram', 'metrics.histograms.@instana/ts-sensor/a.b'],
    ['counter', 'metrics.sums.@instana/ts-sensor/a.b'],
    ['up-down-counter', 'metrics.sums.@instana/ts-sensor/a.b'],
  ] as const)
    assert.equal(metricPath({ kind, name: 'a.b' }), expected);
});
