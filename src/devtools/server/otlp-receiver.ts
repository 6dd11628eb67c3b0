// Receives metrics and spans in OTLP/JSON from any exporter of OpenTelemetry, and responds as that protocol requires.
import { type Rejection, readMetrics, reject } from '../otlp/read-metrics.js';
import { readSpans } from '../otlp/read-spans.js';
import { type Attributes, isObject, type JsonObject, MalformedOtlp } from '../otlp/values.js';
import type { Instance } from '../store/instances.js';
import type { StoredTrace } from '../store/traces.js';
import type { JsonBody } from './json-body.js';
import type { OutgoingResponse } from './respond.js';
import type { AgentStores } from './stores.js';

/** Callbacks for what exporters report. */
export interface OtlpListener {
  instanceAppeared(instance: Instance): void;
  instanceVanished(instance: Instance): void;
  tracesReceived(traces: ReadonlySet<StoredTrace>): void;
}

/** The error for exporters that send protobuf, which is the default of most. */
export const otlpTypeError: string =
  'only OTLP/JSON is taken here: send application/json (OTEL_EXPORTER_OTLP_PROTOCOL=http/json)';

/** Stores what exporters send. A response counts what was invalid; a document of another structure is rejected as a whole. */
export class OtlpReceiver {
  readonly #stores: AgentStores;
  readonly #listener: OtlpListener;
  readonly #now: () => number;

  constructor(stores: AgentStores, listener: OtlpListener, now: () => number = Date.now) {
    this.#stores = stores;
    this.#listener = listener;
    this.#now = now;
  }

  /** `POST /v1/metrics` */
  receiveMetrics(body: JsonBody): OutgoingResponse {
    return withDocument(body, (document) => this.#storeMetrics(document));
  }

  /** `POST /v1/traces` */
  receiveSpans(body: JsonBody): OutgoingResponse {
    return withDocument(body, (document, bytes) => this.#storeSpans(document, bytes));
  }

  #storeMetrics(document: JsonObject): OutgoingResponse {
    const rejected: Rejection = { count: 0, reason: '' };
    const nowMs = this.#now();
    const { instances, alerts } = this.#stores;
    for (const { resource, points } of readMetrics(document, rejected)) {
      const instance = this.#register(resource);
      for (const point of points) {
        if (instances.keep(instance, point)) alerts.record(instance, point, nowMs);
        else reject(rejected, 'too many series, or one with too large attributes');
      }
      alerts.evaluate(instance, nowMs);
    }
    return outcome('rejectedDataPoints', rejected, missing(document, 'resourceMetrics'));
  }

  #storeSpans(document: JsonObject, bytes: number): OutgoingResponse {
    const rejected: Rejection = { count: 0, reason: '' };
    const batches = readSpans(document, rejected);
    const count = batches.reduce((sum, { spans }) => sum + spans.length, 0);
    const touched = new Set<StoredTrace>();
    for (const { resource, spans } of batches) {
      const { pid, instanceId, service } = this.#register(resource);
      const share = (bytes * spans.length) / Math.max(1, count);
      const source = pid ?? instanceId ?? service ?? 'unknown';
      for (const trace of this.#stores.traces.add(spans, source, share)) touched.add(trace);
    }
    if (touched.size > 0) this.#listener.tracesReceived(touched);
    return outcome('rejectedSpans', rejected, missing(document, 'resourceSpans'));
  }

  #register(resource: Attributes): Instance {
    const { instances, processes } = this.#stores;
    const before = instances.size;
    const instance = instances.register(resource, (evicted) => this.#instanceGone(evicted));
    const { pid, service } = instance;
    if (instance.firstSeenMs === instance.lastSeenMs && instances.size > before)
      this.#listener.instanceAppeared(instance);
    // An announced process that sends OTLP sends nothing else that shows that it is alive.
    if (pid !== null && processes.touch(pid) && service !== null) processes.configureService(pid, service);
    return instance;
  }

  /** Removes instances that have reported nothing for this time. */
  dropSilent(silentMs: number): void {
    const oldestMs = this.#now() - silentMs;
    for (const instance of this.#stores.instances.all()) {
      if (instance.lastSeenMs >= oldestMs) continue;
      this.#stores.instances.drop(instance);
      this.#instanceGone(instance);
    }
  }

  /** Removes the instances of an announced process that has gone. */
  dropProcess(pid: number): void {
    for (const instance of this.#stores.instances.all()) {
      if (instance.pid !== pid) continue;
      this.#stores.instances.drop(instance);
      this.#stores.alerts.drop(instance, this.#now());
    }
  }

  #instanceGone(instance: Instance): void {
    this.#stores.alerts.drop(instance, this.#now());
    this.#listener.instanceVanished(instance);
  }
}

function withDocument(
  body: JsonBody,
  store: (document: JsonObject, bytes: number) => OutgoingResponse,
): OutgoingResponse {
  if (!body.accepted) return rejection(body.status, body.error);
  if (!isObject(body.value)) return rejection(400, 'the body must be a JSON object');
  try {
    return store(body.value, body.bytes);
  } catch (error) {
    if (error instanceof MalformedOtlp) return rejection(400, error.message);
    throw error;
  }
}

/** OTLP wants `message`, which exporters log; `error` is the member that all other requests have. */
function rejection(status: number, error: string): OutgoingResponse {
  return { status, json: { error, message: error } };
}

/** The protocol ignores unknown members, but a body without any known one is probably misspelt, so the response warns. */
function missing(document: JsonObject, member: string): string {
  const hasOthers = document[member] === undefined && Object.keys(document).length > 0;
  return hasOthers ? `the body has no ${member}; names are written in lowerCamelCase` : '';
}

function outcome(counter: string, { count, reason }: Rejection, warning: string): OutgoingResponse {
  const errorMessage = reason || warning;
  const json = errorMessage === '' ? {} : { partialSuccess: { [counter]: String(count), errorMessage } };
  return { status: 200, json };
}
