// Paths by which Instana names metrics, and the one series of them.
import type { MetricRecord } from '../../src/protocol/metric-registry.js';
import { metricPath } from '../../src/protocol/metric-registry.js';

export type MetricGroup = 'gauges' | 'sums' | 'histograms';

export interface Selector {
  readonly key: string;
  readonly value: string;
}

export interface ParsedPath {
  readonly group: MetricGroup;
  readonly scope: string;
  readonly name: string;
  /** What stands between the braces; null where there are none. */
  readonly selectors: readonly Selector[] | null;
}

// Scopes may have slashes, names have none.
const grammar = /^metrics\.(gauges|sums|histograms)\.([^{}\s]+)\/([^/{}\s]+)(\{.*\})?$/;
const selectorList = /^\{(?:[\w.-]+="[^"]*"(?:,\s*[\w.-]+="[^"]*")*)?\}$/;

/** Null for what is no path. */
export function parseMetricPath(text: string): ParsedPath | null {
  const [, group, scope, name, braces] = grammar.exec(text) ?? [];
  if (group === undefined || scope === undefined || name === undefined) return null;
  if (braces !== undefined && !selectorList.test(braces)) return null;
  const selectors =
    braces === undefined
      ? null
      : [...braces.matchAll(/([\w.-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => ({ key, value }));
  return { group: group as MetricGroup, scope, name, selectors }; // the grammar has these three only
}

/** As the custom entity names a series: with its selector, or with empty braces for a metric without attributes. */
export function seriesPath(record: MetricRecord, value?: string): string {
  const selector = record.attribute === null || value === undefined ? '' : `${record.attribute.key}="${value}"`;
  return `${metricPath(record)}{${selector}}`;
}
