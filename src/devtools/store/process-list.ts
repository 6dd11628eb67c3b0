// All processes that are known, whichever way: announced ones with what they report over OTLP, and those that never announced themselves.
import type { Instance, InstanceStore, OtlpView } from './instances.js';
import type { ProcessStore, ProcessView } from './processes.js';

/** A process as the JSON requests show it. One that reports over OTLP only was never announced and may not tell its pid. */
export interface SeenProcess extends Omit<ProcessView, 'pid' | 'announcedMs'> {
  readonly pid: number | null;
  readonly announcedMs: number | null;
  /** `null` when it does not report over OTLP. */
  readonly otlp: OtlpView | null;
}

/** Announced processes first. */
export function seenProcesses(processes: ProcessStore, instances: InstanceStore): SeenProcess[] {
  const joined = joinedInstances(processes, instances);
  const taken = new Set(joined.values());
  const others = instances.all().filter((instance) => !taken.has(instance));
  return [
    ...processes.views().map((view) => announcedView(view, instances, joined.get(view.pid))),
    ...others.map((instance) => otherView(instances, instance)),
  ];
}

/** The process of an instance. */
export function seenProcess(processes: ProcessStore, instances: InstanceStore, instance: Instance): SeenProcess {
  const isJoined = instance.pid !== null && joinedInstances(processes, instances).get(instance.pid) === instance;
  const view = isJoined && instance.pid !== null ? processes.view(instance.pid) : null;
  return view === null ? otherView(instances, instance) : announcedView(view, instances, instance);
}

function announcedView(view: ProcessView, instances: InstanceStore, instance: Instance | undefined): SeenProcess {
  if (instance === undefined) return { ...view, otlp: null };
  return { ...view, otlp: instances.view(instance), lastSeenMs: Math.max(view.lastSeenMs, instance.lastSeenMs) };
}

/** How many there are. */
export function countSeen(processes: ProcessStore, instances: InstanceStore): number {
  return processes.size + instances.size - joinedInstances(processes, instances).size;
}

/** The instance of each announced process by its pid. Where several name the same pid, as in containers, it is that of our sensor, else the first. */
export function joinedInstances(processes: ProcessStore, instances: InstanceStore): Map<number, Instance> {
  const joined = new Map<number, Instance>();
  for (const instance of instances.all()) {
    const { pid } = instance;
    if (pid === null || !processes.has(pid)) continue;
    const before = joined.get(pid);
    if (before === undefined || (isOurs(instance) && !isOurs(before))) joined.set(pid, instance);
  }
  return joined;
}

function isOurs({ resource }: Instance): boolean {
  return resource['telemetry.sdk.name'] === 'instana-ts-sensor';
}

/** A process that is known by OTLP alone. */
function otherView(instances: InstanceStore, instance: Instance): SeenProcess {
  const { pid, lastSeenMs } = instance;
  const name = nameOf(instance);
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

/** What to call an instance: by its service, else by its pid or its id. */
export function nameOf({ service, pid, instanceId }: Instance): string {
  return service ?? (pid === null ? (instanceId ?? 'unknown') : `pid ${pid}`);
}
