// The series that dashboards and the entity show individually.
import { findMetric, type MetricRecord } from '../../src/protocol/metric-registry.js';

/** Heap spaces of V8, each with the first supported major of Node.js that has it. */
const heapSpaces: Readonly<Record<string, number>> = {
  new_space: 20,
  old_space: 20,
  code_space: 20,
  shared_space: 20,
  trusted_space: 22,
  shared_trusted_space: 24,
  read_only_space: 20,
  new_large_object_space: 20,
  large_object_space: 20,
  code_large_object_space: 20,
  shared_large_object_space: 20,
  trusted_large_object_space: 22,
  shared_trusted_large_object_space: 24,
};

const heapSpaceKey = 'v8js.heap.space.name';

/** The shown values of attributes whose values come from Node.js or V8: all heap spaces, and the resources that servers have. */
const shownOfOpen: Readonly<Record<string, readonly string[]>> = {
  [heapSpaceKey]: Object.keys(heapSpaces),
  'v8js.resource.type': ['TCPServerWrap', 'TCPSocketWrap', 'PipeWrap', 'MessagePort', 'FSReqCallback', 'Timeout'],
};

/** Whether this major of Node.js can send a series with this value. */
export function existsOn(major: number, key: string, value: string): boolean {
  return key !== heapSpaceKey || (heapSpaces[value] ?? 0) <= major;
}

/** Whether a package that shows some values of the attribute has to show every value that is sent. */
export function isShownWhole(key: string): boolean {
  return key === heapSpaceKey;
}

/** A metric of the registry. Throws for an unknown name, which is an error in this code. */
export function metricOf(name: string): MetricRecord {
  const record = findMetric(name);
  if (record === undefined) throw new Error(`no metric is called ${name}`);
  return record;
}

/** The attribute values that are shown as series; empty for a metric without an attribute. */
export function valuesOf({ attribute }: MetricRecord): readonly string[] {
  if (attribute === null) return [];
  return attribute.values ?? shownOfOpen[attribute.key] ?? [];
}
