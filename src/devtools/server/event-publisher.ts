// Passes what happens in the local agent to its listener and to the clients of the event stream.
import type { Alert } from '../alerts/alert-evaluator.js';
import type { Instance } from '../store/instances.js';
import { describeProcess } from '../store/process-list.js';
import type { MetricsPoint } from '../store/processes.js';
import type { StoredTrace } from '../store/traces.js';
import type { EventStream } from './event-stream.js';
import type { AgentStores } from './stores.js';

/** Callbacks for what happens in the agent. */
export interface AgentListener {
  processAnnounced?(pid: number): void;
  processLeft?(pid: number): void;
  tracesReceived?(traces: ReadonlySet<StoredTrace>): void;
  /** A process that never announced itself has started to report over OTLP. */
  instanceAppeared?(instance: Instance): void;
  /** Such a process has not reported for a long time. */
  instanceVanished?(instance: Instance): void;
  /** An alert has opened or closed. */
  alertChanged?(alert: Alert): void;
}

/** Announced processes that also report over OTLP are published to the stream, but not to the listener, which knows them. */
export class EventPublisher {
  readonly #stores: AgentStores;
  readonly #stream: EventStream;
  readonly #listener: AgentListener;

  constructor(stores: AgentStores, stream: EventStream, listener: AgentListener) {
    this.#stores = stores;
    this.#stream = stream;
    this.#listener = listener;
  }

  processAnnounced(pid: number): void {
    this.#listener.processAnnounced?.(pid);
    this.#stream.publish('process', pid, () => this.#stores.processes.view(pid));
  }

  processLeft(pid: number): void {
    this.#listener.processLeft?.(pid);
    this.#stream.publish('process', pid, () => ({ pid, gone: true }));
  }

  metricsReceived(pid: number, point: MetricsPoint): void {
    this.#stream.publish('metrics', pid, () => ({ pid, ...point }));
  }

  tracesReceived(traces: ReadonlySet<StoredTrace>): void {
    this.#listener.tracesReceived?.(traces);
    for (const trace of traces) {
      this.#stream.publish('trace', trace.traceId, () => this.#stores.traces.summary(trace));
    }
  }

  instanceAppeared(instance: Instance): void {
    const { processes, instances } = this.#stores;
    if (!this.#isAnnounced(instance)) this.#listener.instanceAppeared?.(instance);
    this.#stream.publish('process', instance.key, () => describeProcess(processes, instances, instance));
  }

  instanceVanished(instance: Instance): void {
    if (!this.#isAnnounced(instance)) this.#listener.instanceVanished?.(instance);
    const { pid, instanceId } = instance;
    this.#stream.publish('process', instance.key, () => ({ pid, instanceId, gone: true }));
  }

  alertChanged(alert: Alert): void {
    this.#listener.alertChanged?.(alert);
    this.#stream.publish('event', alert.id, () => alert);
  }

  #isAnnounced({ pid }: Instance): boolean {
    return pid !== null && this.#stores.processes.has(pid);
  }
}
