// Processes that report over OTLP: who they are by their resource, and the latest value of each of their series.
import { createHash } from 'node:crypto';
import type { OtlpPoint } from '../otlp/read-metrics.js';
import { type Attributes, textOf } from '../otlp/values.js';
import { bytesOf } from './estimate-size.js';

/** The latest value of a series. */
export type LatestValue = Omit<OtlpPoint, 'name'>;

/** An instance as the JSON requests show it; `metrics` by name, with a value for each scope and set of attributes. */
export interface OtlpView {
  readonly instanceId: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly resource: Attributes;
  readonly metrics: Readonly<Record<string, readonly LatestValue[]>>;
}

/** One process, as its resource describes it. */
export interface Instance {
  /** Tells it from all others. */
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

export interface InstanceLimits {
  readonly instances: number;
  readonly seriesEach: number;
  /** Characters of one series' name and attributes. */
  readonly seriesLength: number;
  /** Of what one resource says; attributes beyond are left out. */
  readonly resourceBytes: number;
  /** Of all that is kept. No series finds room beyond it; a new instance does, so that it is seen. */
  readonly bytes: number;
}

const defaultLimits: InstanceLimits = {
  instances: 200,
  seriesEach: 2000,
  seriesLength: 8192,
  resourceBytes: 64 * 1024,
  bytes: 64 * 1024 * 1024,
};

/** Instances by what identifies them. Two processes of one service are never one, provided that either says a word of itself. */
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

  /** The instance that a resource describes, which has just given a sign of life. When there are too many, `dropped` hears of the one that went. */
  see(resource: Attributes, dropped: (instance: Instance) => void = () => {}): Instance {
    const key = identityOf(resource);
    const known = this.#instances.get(key);
    if (known !== undefined) {
      known.lastSeenMs = this.#now();
      return known;
    }
    if (this.#instances.size >= this.#limits.instances) this.#dropLongestUnseen(dropped);
    const nowMs = this.#now();
    const described = copyOf({
      key,
      instanceId: textOf(resource['service.instance.id']) || null,
      pid: pidOf(resource['process.pid']),
      service: textOf(resource['service.name']) || null,
      resource: within(resource, this.#limits.resourceBytes),
    });
    const bytes = bytesOf(described);
    const instance: Stored = { ...described, firstSeenMs: nowMs, lastSeenMs: nowMs, series: new Map(), bytes };
    this.#instances.set(key, instance);
    this.#bytes += bytes;
    return instance;
  }

  /** Keeps the point when it is the latest of its series; false when there is no room for one more series, or for a longer value. */
  keep({ key }: Instance, point: OtlpPoint): boolean {
    const instance = this.#instances.get(key);
    if (instance === undefined) return false;
    const id = seriesOf(point);
    const before = instance.series.get(id);
    // Points of one series may come in any order.
    if (before !== undefined && (before.timeMs ?? 0) > (point.timeMs ?? Number.POSITIVE_INFINITY)) return true;
    if (
      before === undefined &&
      (instance.series.size >= this.#limits.seriesEach || id.length > this.#limits.seriesLength)
    )
      return false;
    const grown = bytesOf(point) + (before === undefined ? bytesOf(id) : -bytesOf(before));
    if (grown > 0 && this.#bytes + grown > this.#limits.bytes) return false;
    instance.bytes += grown;
    this.#bytes += grown;
    instance.series.set(id, copyOf(point));
    return true;
  }

  drop({ key }: Instance): void {
    this.#bytes -= this.#instances.get(key)?.bytes ?? 0;
    this.#instances.delete(key);
  }

  /** Every instance, the one known longest first. */
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

  #dropLongestUnseen(dropped: (instance: Instance) => void): void {
    let unseen: Stored | null = null;
    for (const instance of this.#instances.values()) {
      if (unseen === null || instance.lastSeenMs < unseen.lastSeenMs) unseen = instance;
    }
    if (unseen === null) return;
    this.drop(unseen);
    dropped(unseen);
  }
}

/**
 * The id alone would not do: some give that of the host to every process. A resource that names neither an id nor a pid is told from
 * others by all that it says. A digest, since that may be long.
 */
function identityOf(resource: Attributes): string {
  const { 'service.instance.id': instanceId, 'process.pid': pid } = resource;
  const { 'service.namespace': namespace, 'service.name': name, 'host.name': hostName, 'host.id': hostId } = resource;
  const isNamed = instanceId !== undefined || pid !== undefined;
  const said = isNamed ? [namespace, name, instanceId, pid, hostId ?? hostName] : sorted(resource);
  return createHash('sha256').update(JSON.stringify(said)).digest('base64url');
}

/** Those attributes that find room, in their order. */
function within(resource: Attributes, limit: number): Attributes {
  let room = limit;
  const kept = Object.entries(resource).filter((entry) => {
    const bytes = bytesOf(entry);
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
  return Object.fromEntries(kept);
}

/** With texts of its own: one that is cut out of another holds the whole of it in memory. */
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
