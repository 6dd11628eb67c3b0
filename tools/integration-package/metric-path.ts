// The paths by which Instana names metrics and their series.
import type { MetricRecord } from '../../src/protocol/metric-registry.js';
import { metricPath } from '../../src/protocol/metric-registry.js';

/** The second part of a path. */
export type MetricGroup = 'gauges' | 'sums' | 'histograms';

/** An attribute and its value. */
export interface Selector {
  readonly key: string;
  readonly value: string;
}

/** The parts of a path. */
export interface ParsedPath {
  readonly group: MetricGroup;
  readonly scope: string;
  readonly name: string;
  /** The content of the braces; null without braces. */
  readonly selectors: readonly Selector[] | null;
}

// Scopes may contain slashes, names may not.
const grammar = /^metrics\.(gauges|sums|histograms)\.([^{}\s]+)\/([^/{}\s]+)(\{.*\})?$/;
const selectorList = /^\{(?:[\w.-]+="[^"]*"(?:,\s*[\w.-]+="[^"]*")*)?\}$/;

/** Parses a path; null for any other text. */
export function parseMetricPath(text: string): ParsedPath | null {
  const [, group, scope, name, braces] = grammar.exec(text) ?? [];
  if (group === undefined || scope === undefined || name === undefined) return null;
  if (braces !== undefined && !selectorList.test(braces)) return null;
  const selectors =
    braces === undefined
      ? null
      : [...braces.matchAll(/([\w.-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => ({ key, value }));
  return { group: group as MetricGroup, scope, name, selectors }; // the grammar allows only these three
}

/** The custom entity's path of a series: with a selector, or with empty braces for a metric without attributes. */
export function seriesPath(record: MetricRecord, value?: string): string {
  const selector = record.attribute === null || value === undefined ? '' : `${record.attribute.key}="${value}"`;
  return `${metricPath(record)}{${selector}}`;
}
