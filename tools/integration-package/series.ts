// The series that dashboards and the entity show one by one.
import { findMetric, type MetricRecord } from '../../src/protocol/metric-registry.js';

/** Heap spaces of V8, each with the first of the supported majors of Node.js that has it. */
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

/** Values of the attributes that Node.js or V8 decide on: all heap spaces, and the resources that servers have. */
const shownOfOpen: Readonly<Record<string, readonly string[]>> = {
  [heapSpaceKey]: Object.keys(heapSpaces),
  'v8js.resource.type': ['TCPServerWrap', 'TCPSocketWrap', 'PipeWrap', 'MessagePort', 'FSReqCallback', 'Timeout'],
};

/** Whether Node.js of this major can send a series with this value. */
export function existsOn(major: number, key: string, value: string): boolean {
  return key !== heapSpaceKey || (heapSpaces[value] ?? 0) <= major;
}

/** Whether a package that shows some values of the attribute one by one has to show every one that is sent. */
export function isShownWhole(key: string): boolean {
  return key === heapSpaceKey;
}

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
