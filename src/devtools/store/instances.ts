// Processes that report over OTLP, identified by their resource, with the latest value of each of their series.
import { createHash } from 'node:crypto';
import type { OtlpPoint } from '../otlp/read-metrics.js';
import { type Attributes, textOf } from '../otlp/values.js';
import { estimateBytes } from './estimate-size.js';

/** The latest value of a series. */
export type LatestValue = Omit<OtlpPoint, 'name'>;

/** An instance in the JSON form of `GET /api/processes`; each metric has a value for every scope and set of attributes. */
export interface OtlpView {
  readonly instanceId: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly resource: Attributes;
  readonly metrics: Readonly<Record<string, readonly LatestValue[]>>;
}

/** One process, as described by its resource. */
export interface Instance {
  /** Unique among all instances. */
  readonly key: string;
  readonly instanceId: string | null;
  readonly pid: number | null;
  readonly service: string | null;
  readonly resource: Attributes;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

interface Stored extends Instance {
  lastSeenMs: number;
  readonly series: Map<string, OtlpPoint>;
  bytes: number;
}

/** Bounds of what the store keeps. */
export interface InstanceLimits {
  readonly maxInstances: number;
  readonly maxSeriesEach: number;
  /** Maximum characters of the name and attributes of one series. */
  readonly maxSeriesLength: number;
  /** Maximum size of one resource; further attributes are left out. */
  readonly maxResourceBytes: number;
  /** Maximum size of everything. Beyond it, new series are rejected, but new instances are still listed. */
  readonly maxBytes: number;
}

const defaultLimits: InstanceLimits = {
  maxInstances: 200,
  maxSeriesEach: 2000,
  maxSeriesLength: 8192,
  maxResourceBytes: 64 * 1024,
  maxBytes: 64 * 1024 * 1024,
};

/** Instances by identity. Two processes of one service stay apart if the resource of either has any attribute that differs. */
export class InstanceStore {
  readonly #now: () => number;
  readonly #limits: InstanceLimits;
  readonly #instances: Map<string, Stored> = new Map();
  #bytes = 0;

  constructor(now: () => number = Date.now, limits: InstanceLimits = defaultLimits) {
    this.#now = now;
    this.#limits = limits;
  }

  get size(): number {
    return this.#instances.size;
  }

  has(instance: Instance): boolean {
    return this.#instances.has(instance.key);
  }

  /** Finds or adds the instance of a resource and updates when it was last seen. `onEvicted` gets an instance that had to make room. */
  register(resource: Attributes, onEvicted: (instance: Instance) => void = () => {}): Instance {
    const key = identityOf(resource);
    const known = this.#instances.get(key);
    if (known !== undefined) {
      known.lastSeenMs = this.#now();
      return known;
    }
    if (this.#instances.size >= this.#limits.maxInstances) this.#evictOldest(onEvicted);
    const nowMs = this.#now();
    const described = copyOf({
      key,
      instanceId: textOf(resource['service.instance.id']) || null,
      pid: pidOf(resource['process.pid']),
      service: textOf(resource['service.name']) || null,
      resource: withinBytes(resource, this.#limits.maxResourceBytes),
    });
    const bytes = estimateBytes(described);
    const instance: Stored = { ...described, firstSeenMs: nowMs, lastSeenMs: nowMs, series: new Map(), bytes };
    this.#instances.set(key, instance);
    this.#bytes += bytes;
    return instance;
  }

  /** Stores the point if it is the latest of its series. False if a bound leaves no room for a new series or a longer value. */
  keep({ key }: Instance, point: OtlpPoint): boolean {
    const instance = this.#instances.get(key);
    if (instance === undefined) return false;
    const id = seriesOf(point);
    const before = instance.series.get(id);
    // The points of one series may arrive in any order.
    if (before !== undefined && (before.timeMs ?? 0) > (point.timeMs ?? Number.POSITIVE_INFINITY)) return true;
    if (
      before === undefined &&
      (instance.series.size >= this.#limits.maxSeriesEach || id.length > this.#limits.maxSeriesLength)
    )
      return false;
    const growth = estimateBytes(point) + (before === undefined ? estimateBytes(id) : -estimateBytes(before));
    if (growth > 0 && this.#bytes + growth > this.#limits.maxBytes) return false;
    instance.bytes += growth;
    this.#bytes += growth;
    instance.series.set(id, copyOf(point));
    return true;
  }

  drop({ key }: Instance): void {
    this.#bytes -= this.#instances.get(key)?.bytes ?? 0;
    this.#instances.delete(key);
  }

  /** All instances in the order in which they first reported. */
  all(): Instance[] {
    return [...this.#instances.values()];
  }

  view({ key }: Instance): OtlpView | null {
    const instance = this.#instances.get(key);
    if (instance === undefined) return null;
    const { instanceId, firstSeenMs, lastSeenMs, resource, series } = instance;
    const metrics = new Map<string, LatestValue[]>();
    for (const { name, ...latest } of series.values()) {
      const values = metrics.get(name);
      if (values === undefined) metrics.set(name, [latest]);
      else values.push(latest);
    }
    return { instanceId, firstSeenMs, lastSeenMs, resource, metrics: Object.fromEntries(metrics) };
  }

  #evictOldest(onEvicted: (instance: Instance) => void): void {
    let oldest: Stored | null = null;
    for (const instance of this.#instances.values()) {
      if (oldest === null || instance.lastSeenMs < oldest.lastSeenMs) oldest = instance;
    }
    if (oldest === null) return;
    this.drop(oldest);
    onEvicted(oldest);
  }
}

/**
 * The instance id alone is not enough, since some exporters give every process of a host the same one. If a resource has neither an id
 * nor a pid, all of its attributes identify it. The result is a digest, because the attributes may be long.
 */
function identityOf(resource: Attributes): string {
  const { 'service.instance.id': instanceId, 'process.pid': pid } = resource;
  const { 'service.namespace': namespace, 'service.name': name, 'host.name': hostName, 'host.id': hostId } = resource;
  const isNamed = instanceId !== undefined || pid !== undefined;
  const identity = isNamed ? [namespace, name, instanceId, pid, hostId ?? hostName] : sorted(resource);
  return createHash('sha256').update(JSON.stringify(identity)).digest('base64url');
}

/** The attributes that fit into the limit, in their order. */
function withinBytes(resource: Attributes, limit: number): Attributes {
  let room = limit;
  const kept = Object.entries(resource).filter((entry) => {
    const bytes = estimateBytes(entry);
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
  return Object.fromEntries(kept);
}

/** A deep copy with new texts: in V8, a slice keeps the whole text that it was cut from in memory. */
function copyOf<Value>(value: Value): Value {
  return structuredClone(value);
}

function seriesOf({ scope, name, kind, attributes }: OtlpPoint): string {
  return JSON.stringify([scope, name, kind, sorted(attributes)]);
}

function sorted(attributes: Attributes): [string, unknown][] {
  return Object.entries(attributes).sort(([left], [right]) => (left < right ? -1 : 1));
}

function pidOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}
