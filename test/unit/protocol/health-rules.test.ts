// The health rules: whatever they refer to exists, and means what a rule takes it for.
import assert from 'node:assert/strict';
import test from 'node:test';
import { healthRules } from '../../../src/protocol/health-rules.js';
import { findMetric } from '../../../src/protocol/metric-registry.js';

const conditions = healthRules.flatMap((rule) =>
  rule.conditions.map((condition) => ({ rule: rule.name, ...condition })),
);

test('every rule has a name and a description of its own, a severity and conditions', () => {
  assert.equal(new Set(healthRules.map(({ name }) => name)).size, healthRules.length);
  assert.equal(new Set(healthRules.map(({ description }) => description)).size, healthRules.length);
  for (const rule of healthRules) {
    assert.match(rule.name, /^[A-Z].* in Node\.js Application$/);
    assert.match(rule.description, /^[A-Z].*\.$/s, rule.name);
    assert.ok(['warning', 'critical'].includes(rule.severity), rule.name);
    assert.ok(rule.conditions.length > 0, rule.name);
  }
});

test('every condition refers to a metric of the registry that has one series', () => {
  assert.equal(conditions.length, 11);
  for (const { rule, metric } of conditions) {
    const record = findMetric(metric);
    assert.ok(record !== undefined, `${rule}: ${metric}`);
    assert.equal(record.attribute, null, `${rule}: several series of ${metric} would be averaged`);
    assert.ok(record.kind === 'gauge' || record.kind === 'up-down-counter', `${rule}: a ${record.kind} only grows`);
  }
});

test('every threshold is possible in the unit of its metric', () => {
  for (const { rule, metric, above, aggregation } of conditions) {
    assert.ok(Number.isFinite(above) && above > 0, rule);
    // CPU utilization is in cores and may be more than 1, but no process needs more than one to run JavaScript.
    if (findMetric(metric)?.unit === '1') assert.ok(above < 1, `${rule}: ${above}`);
    assert.ok(['avg', 'min', 'max'].includes(aggregation), rule);
  }
});

test('windows are five minutes, ten for a leak', () => {
  for (const { name, windowMs } of healthRules)
    assert.equal(windowMs, name.startsWith('Memory Leak') ? 600_000 : 300_000, name);
});
