// Takes metrics and spans in OTLP/JSON from any exporter of OpenTelemetry, and answers as that protocol wants it.

import type { HealthWatch } from '../alerts/alert-evaluator.js';
import { type Rejection, readMetrics, reject } from '../otlp/read-metrics.js';
import { readSpans } from '../otlp/read-spans.js';
import { type Attributes, type JsonObject, MalformedOtlp } from '../otlp/values.js';
import type { Instance, InstanceStore } from '../store/instances.js';
import type { ProcessStore } from '../store/processes.js';
import { isObject } from '../store/received-span.js';
import type { StoredTrace, TraceStore } from '../store/traces.js';
import type { JsonBody } from './json-body.js';
import { type Answer, failure } from './respond.js';

/** What the intake fills. */
export interface OtlpStores {
  readonly instances: InstanceStore;
  readonly processes: ProcessStore;
  readonly traces: TraceStore;
  readonly health: HealthWatch;
}

/** Whom the intake tells what has happened. */
export interface OtlpListener {
  appeared(instance: Instance): void;
  left(instance: Instance): void;
  traced(traces: ReadonlySet<StoredTrace>): void;
}

/** Said to exporters of the other encoding, which is what most of them speak unless told. */
export const wrongOtlpType: string =
  'only OTLP/JSON is taken here: send application/json (OTEL_EXPORTER_OTLP_PROTOCOL=http/json)';

/** Requests of `POST /v1/metrics` and `POST /v1/traces`. */
export class OtlpIntake {
  readonly #stores: OtlpStores;
  readonly #listener: OtlpListener;
  readonly #now: () => number;

  constructor(stores: OtlpStores, listener: OtlpListener, now: () => number = Date.now) {
    this.#stores = stores;
    this.#listener = listener;
    this.#now = now;
  }

  /** Takes what can be read and says how much could not; a document of another form is refused whole. */
  answer(endpoint: 'otlp-metrics' | 'otlp-traces', body: JsonBody): Answer {
    if (!body.accepted) return refusal(body.status, body.error);
    const document = body.value;
    if (!isObject(document)) return refusal(400, 'the body must be a JSON object');
    try {
      return endpoint === 'otlp-metrics' ? this.#takeMetrics(document) : this.#takeSpans(document, body.bytes);
    } catch (error) {
      if (error instanceof MalformedOtlp) return refusal(400, error.message);
      throw error;
    }
  }

  #takeMetrics(document: JsonObject): Answer {
    const rejected: Rejection = { count: 0, reason: '' };
    const nowMs = this.#now();
    const { instances, health } = this.#stores;
    for (const { resource, points } of readMetrics(document, rejected)) {
      const instance = this.#see(resource);
      for (const point of points) {
        if (instances.keep(instance, point)) health.note(instance, point, nowMs);
        else reject(rejected, 'too many series, or one with too large attributes');
      }
      health.look(instance, nowMs);
    }
    return outcome('rejectedDataPoints', rejected, missing(document, 'resourceMetrics'));
  }

  #takeSpans(document: JsonObject, bytes: number): Answer {
    const rejected: Rejection = { count: 0, reason: '' };
    const batches = readSpans(document, rejected);
    const count = batches.reduce((sum, { spans }) => sum + spans.length, 0);
    const touched = new Set<StoredTrace>();
    for (const { resource, spans } of batches) {
      const { pid, instanceId, service } = this.#see(resource);
      const share = (bytes * spans.length) / Math.max(1, count);
      const source = pid ?? instanceId ?? service ?? 'unknown';
      for (const trace of this.#stores.traces.add(spans, source, share)) touched.add(trace);
    }
    if (touched.size > 0) this.#listener.traced(touched);
    return outcome('rejectedSpans', rejected, missing(document, 'resourceSpans'));
  }

  #see(resource: Attributes): Instance {
    const { instances, processes } = this.#stores;
    const before = instances.size;
    const instance = instances.see(resource, (dropped) => this.#forget(dropped));
    const { pid, service } = instance;
    if (instance.firstSeenMs === instance.lastSeenMs && instances.size > before) this.#listener.appeared(instance);
    // A process that was switched to OTLP sends nothing else that would show it alive.
    if (pid !== null && processes.touch(pid) && service !== null) processes.configureService(pid, service);
    return instance;
  }

  /** Drops instances that have been silent for so long. */
  dropSilent(silentMs: number): void {
    const oldestMs = this.#now() - silentMs;
    for (const instance of this.#stores.instances.all()) {
      if (instance.lastSeenMs >= oldestMs) continue;
      this.#stores.instances.drop(instance);
      this.#forget(instance);
    }
  }

  /** Drops what the process reported that has just gone. */
  dropProcess(pid: number): void {
    for (const instance of this.#stores.instances.all()) {
      if (instance.pid !== pid) continue;
      this.#stores.instances.drop(instance);
      this.#stores.health.drop(instance, this.#now());
    }
  }

  #forget(instance: Instance): void {
    this.#stores.health.drop(instance, this.#now());
    this.#listener.left(instance);
  }
}

/** Exporters log the message; people who try with curl look for `error`, as in all other answers. */
function refusal(status: number, error: string): Answer {
  const { json, ...answer } = failure(status, error);
  return { ...answer, json: { ...(isObject(json) && json), message: error } };
}

/** Unknown members are no fault in this protocol, but a body of nothing else is a mistake to be told. */
function missing(document: JsonObject, member: string): string {
  const hasOthers = document[member] === undefined && Object.keys(document).length > 0;
  return hasOthers ? `the body has no ${member}; names are written in lowerCamelCase` : '';
}

function outcome(counter: string, { count, reason }: Rejection, warning: string): Answer {
  const errorMessage = reason || warning;
  const json = errorMessage === '' ? {} : { partialSuccess: { [counter]: String(count), errorMessage } };
  return { status: 200, json };
}
