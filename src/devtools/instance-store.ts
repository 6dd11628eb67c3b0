// Processes that report over OTLP: who they are by their resource, and the latest value of each of their series.
import type { OtlpPoint } from './otlp-metrics.js';
import { type Attributes, textOf } from './otlp-values.js';

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
  /** Of one series' name and attributes. */
  readonly seriesBytes: number;
  /** Of the names and attributes of all. */
  readonly bytes: number;
}

const defaultLimits: InstanceLimits = {
  instances: 200,
  seriesEach: 2000,
  seriesBytes: 8192,
  bytes: 32 * 1024 * 1024,
};
/** What a series takes beside its texts. */
const bytesBeside = 256;

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
    const instance: Stored = {
      key,
      instanceId: textOf(resource['service.instance.id']) || null,
      pid: pidOf(resource['process.pid']),
      service: textOf(resource['service.name']) || null,
      resource,
      firstSeenMs: nowMs,
      lastSeenMs: nowMs,
      series: new Map(),
      bytes: 0,
    };
    this.#instances.set(key, instance);
    return instance;
  }

  /** Keeps the point when it is the latest of its series; false when there is no room for one more series. */
  keep({ key }: Instance, point: OtlpPoint): boolean {
    const instance = this.#instances.get(key);
    if (instance === undefined) return false;
    const id = seriesOf(point);
    const before = instance.series.get(id);
    if (before === undefined) {
      const bytes = id.length + bytesBeside;
      const isFull = instance.series.size >= this.#limits.seriesEach || this.#bytes + bytes > this.#limits.bytes;
      if (isFull || id.length > this.#limits.seriesBytes) return false;
      instance.bytes += bytes;
      this.#bytes += bytes;
    }
    // Points of one series may come in any order.
    if ((before?.timeMs ?? 0) <= (point.timeMs ?? Number.POSITIVE_INFINITY)) instance.series.set(id, point);
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
 * others by all that it says.
 */
function identityOf(resource: Attributes): string {
  const { 'service.instance.id': instanceId, 'process.pid': pid } = resource;
  if (instanceId === undefined && pid === undefined) return JSON.stringify(sorted(resource));
  const { 'service.namespace': namespace, 'service.name': name, 'host.name': hostName, 'host.id': hostId } = resource;
  return JSON.stringify([namespace, name, instanceId, pid, hostId ?? hostName]);
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
