// The series that dashboards and the entity show one by one.
import { findMetric, type MetricRecord } from '../../src/wire/metric-registry.js';

/** Values of the attributes that Node.js or V8 decide on: the heap spaces of Node.js 20, and the resources that servers have. */
const shownOfOpen: Readonly<Record<string, readonly string[]>> = {
  'v8js.heap.space.name': [
    'new_space',
    'old_space',
    'code_space',
    'shared_space',
    'read_only_space',
    'new_large_object_space',
    'large_object_space',
    'code_large_object_space',
    'shared_large_object_space',
  ],
  'v8js.resource.type': ['TCPServerWrap', 'TCPSocketWrap', 'PipeWrap', 'MessagePort', 'FSReqCallback', 'Timeout'],
};

/** Of the registry; a name that is not there is a fault of ours. */
export function metricOf(name: string): MetricRecord {
  const record = findMetric(name);
  if (record === undefined) throw new Error(`no metric is called ${name}`);
  return record;
}

/** The values of a metric's attribute that have a series of their own; empty for a metric without. */
export function valuesOf({ attribute }: MetricRecord): readonly string[] {
  if (attribute === null) return [];
  return attribute.values ?? shownOfOpen[attribute.key] ?? [];
}
