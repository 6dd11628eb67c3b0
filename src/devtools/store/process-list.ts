// Joins announced processes with those that report over OTLP into one list.
import type { Instance, InstanceStore, OtlpView } from './instances.js';
import type { ProcessStore, ProcessView } from './processes.js';

/** A process in the JSON form of `GET /api/processes`. If it reports over OTLP only, it was never announced and may have no pid. */
export interface KnownProcess extends Omit<ProcessView, 'pid' | 'announcedMs'> {
  readonly pid: number | null;
  readonly announcedMs: number | null;
  /** `null` if the process does not report over OTLP. */
  readonly otlp: OtlpView | null;
}

/** All known processes, the announced ones first. */
export function listProcesses(processes: ProcessStore, instances: InstanceStore): KnownProcess[] {
  const joined = joinedInstances(processes, instances);
  const joinedValues = new Set(joined.values());
  const others = instances.all().filter((instance) => !joinedValues.has(instance));
  return [
    ...processes.views().map((view) => announcedView(view, instances, joined.get(view.pid))),
    ...others.map((instance) => otherView(instances, instance)),
  ];
}

/** The process that an instance belongs to. */
export function describeProcess(processes: ProcessStore, instances: InstanceStore, instance: Instance): KnownProcess {
  const isJoined = instance.pid !== null && joinedInstances(processes, instances).get(instance.pid) === instance;
  const view = isJoined && instance.pid !== null ? processes.view(instance.pid) : null;
  return view === null ? otherView(instances, instance) : announcedView(view, instances, instance);
}

function announcedView(view: ProcessView, instances: InstanceStore, instance: Instance | undefined): KnownProcess {
  if (instance === undefined) return { ...view, otlp: null };
  return { ...view, otlp: instances.view(instance), lastSeenMs: Math.max(view.lastSeenMs, instance.lastSeenMs) };
}

/** The number of known processes. */
export function countProcesses(processes: ProcessStore, instances: InstanceStore): number {
  return processes.size + instances.size - joinedInstances(processes, instances).size;
}

/** The instance of each announced process, by pid. If several instances have one pid, as in containers, this sensor's wins, then the first. */
function joinedInstances(processes: ProcessStore, instances: InstanceStore): Map<number, Instance> {
  const joined = new Map<number, Instance>();
  for (const instance of instances.all()) {
    const { pid } = instance;
    if (pid === null || !processes.has(pid)) continue;
    const before = joined.get(pid);
    if (before === undefined || (isFromThisSensor(instance) && !isFromThisSensor(before))) joined.set(pid, instance);
  }
  return joined;
}

function isFromThisSensor({ resource }: Instance): boolean {
  return resource['telemetry.sdk.name'] === 'instana-ts-sensor';
}

/** A process that is known from OTLP only. */
function otherView(instances: InstanceStore, instance: Instance): KnownProcess {
  const { pid, lastSeenMs } = instance;
  const name = instanceName(instance);
  return {
    pid,
    name,
    service: instance.service ?? name,
    announcedMs: null,
    lastSeenMs,
    snapshot: {},
    metrics: {},
    outside: null,
    otlp: instances.view(instance),
  };
}

/** The display name of an instance: its service, else its pid or id. */
function instanceName({ service, pid, instanceId }: Instance): string {
  return service ?? (pid === null ? (instanceId ?? 'unknown') : `pid ${pid}`);
}
