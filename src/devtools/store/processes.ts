// Announced processes with their snapshots, and with the series of metrics that result from merging their deltas.
import { basename } from 'node:path';
import { isObject, type JsonObject } from '../otlp/values.js';
import type { ServiceNames } from './traces.js';

/** CPU and memory of a process, as the operating system reports them. */
export interface OutsideView {
  readonly cpuPercent: number;
  readonly rssBytes: number;
}

/** The merged metrics of a process at one moment. */
export interface MetricsPoint {
  readonly timeMs: number;
  readonly [metric: string]: unknown;
}

/** An announced process in the JSON form of `GET /api/processes`. `outside` is null until the process monitor has sampled it. */
export interface ProcessView {
  readonly pid: number;
  readonly name: string;
  readonly service: string;
  readonly announcedMs: number;
  readonly lastSeenMs: number;
  readonly snapshot: JsonObject;
  readonly metrics: JsonObject;
  readonly outside: OutsideView | null;
}

interface Announced {
  readonly pid: number;
  readonly commandName: string;
  readonly announcedMs: number;
  lastSeenMs: number;
  snapshot: JsonObject;
  metrics: JsonObject;
  outside: OutsideView | null;
  points: MetricsPoint[];
}

const maxProcesses = 500;
const maxNames = 5_000;
const maxPoints = 900;
const maxMembers = 10_000;
/** The members of a Node.js payload that describe the process; all others are metrics. */
const snapshotMembers: ReadonlySet<string> = new Set([
  'sensorVersion',
  'pid',
  'startTime',
  'versions',
  'args',
  'execArgs',
  'name',
  'version',
  'description',
  'keywords',
  'dependencies',
  'directDependencies',
  'http',
  'initTooLate',
]);

/** Announced processes that are still alive. */
export class ProcessStore implements ServiceNames {
  readonly #now: () => number;
  readonly #processes: Map<number, Announced> = new Map();
  /** Names outlive their process, because its traces do too. */
  readonly #names: Map<number, { configured: string | null; snapshot: string | null }> = new Map();
  #version = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Changes whenever a service name may have changed. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#processes.size;
  }

  /** Adds a process. If it was known before, its earlier data are discarded. */
  announce(pid: number, body: JsonObject): void {
    if (this.#processes.size >= maxProcesses && !this.#processes.has(pid)) this.#evictOldest();
    const announcedMs = this.#now();
    this.#processes.set(pid, {
      pid,
      commandName: commandName(body),
      announcedMs,
      lastSeenMs: announcedMs,
      snapshot: {},
      metrics: {},
      outside: null,
      points: [],
    });
  }

  has(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** Updates when the process was last seen; false if it is unknown. */
  touch(pid: number): boolean {
    const process = this.#processes.get(pid);
    if (process !== undefined) process.lastSeenMs = this.#now();
    return process !== undefined;
  }

  /** Merges a metrics payload in the Node.js or Python format and returns the new point. */
  merge(pid: number, payload: JsonObject): MetricsPoint | null {
    const process = this.#processes.get(pid);
    if (process === undefined) return null;
    const budget = { members: maxMembers };
    if (isObject(payload['metrics']) || isObject(payload['snapshot'])) {
      // In the Python format every payload has the pid, so it does not mark a full one.
      if (isObject(payload['snapshot'])) process.snapshot = mergeObjects({}, payload['snapshot'], budget);
      if (isObject(payload['metrics'])) process.metrics = mergeObjects(process.metrics, payload['metrics'], budget);
    } else {
      // The pid never changes, so only a full payload has it. A full payload also clears members that have gone.
      const isFull = payload['pid'] !== undefined;
      const { snapshot, metrics } = splitPayload(payload);
      process.snapshot = mergeObjects(isFull ? {} : process.snapshot, snapshot, budget);
      process.metrics = mergeObjects(isFull ? {} : process.metrics, metrics, budget);
    }
    this.#rename(pid, 'snapshot', process.snapshot['name']);
    return this.#addPoint(process);
  }

  #addPoint(process: Announced): MetricsPoint {
    const timeMs = this.#now();
    const last = process.points.at(-1);
    // There is one point a second, so a payload that comes sooner updates the last one.
    const isSameSecond = last !== undefined && timeMs - last.timeMs < 500;
    const point = { ...process.metrics, timeMs: isSameSecond ? last.timeMs : timeMs };
    if (isSameSecond) process.points.pop();
    process.points.push(point);
    if (process.points.length > maxPoints) process.points.splice(0, process.points.length - maxPoints);
    return point;
  }

  /** Sets the service name that a span of the process carries. */
  configureService(pid: number, name: string): void {
    this.#rename(pid, 'configured', name);
  }

  #rename(pid: number, source: 'configured' | 'snapshot', name: unknown): void {
    if (typeof name !== 'string' || name === '') return;
    const names = this.#names.get(pid) ?? { configured: null, snapshot: null };
    if (names[source] === name) return;
    names[source] = name;
    this.#names.delete(pid);
    this.#names.set(pid, names);
    this.#version++;
    const [oldest] = this.#names.keys();
    if (this.#names.size > maxNames && oldest !== undefined) this.#names.delete(oldest);
  }

  serviceName(pid: number | string): string {
    const names = this.#names.get(Number(pid));
    return names?.configured ?? names?.snapshot ?? `pid ${pid}`;
  }

  /** The pid of each process, and when it was last seen. */
  pids(): { pid: number; lastSeenMs: number }[] {
    return [...this.#processes.values()].map(({ pid, lastSeenMs }) => ({ pid, lastSeenMs }));
  }

  observe(pid: number, outside: OutsideView | null): void {
    const process = this.#processes.get(pid);
    if (process !== undefined) process.outside = outside;
  }

  drop(pid: number): void {
    this.#processes.delete(pid);
  }

  view(pid: number): ProcessView | null {
    const process = this.#processes.get(pid);
    if (process === undefined) return null;
    const { announcedMs, lastSeenMs, snapshot, metrics, outside } = process;
    const name = typeof snapshot['name'] === 'string' ? snapshot['name'] : process.commandName;
    return { pid, name, service: this.serviceName(pid), announcedMs, lastSeenMs, snapshot, metrics, outside };
  }

  views(): ProcessView[] {
    return [...this.#processes.keys()].map((pid) => this.view(pid)).filter((view) => view !== null);
  }

  /** The points from `sinceMs` on, `null` if the process is unknown. */
  points(pid: number, sinceMs: number): MetricsPoint[] | null {
    return this.#processes.get(pid)?.points.filter(({ timeMs }) => timeMs >= sinceMs) ?? null;
  }

  #evictOldest(): void {
    let oldest: Announced | null = null;
    for (const process of this.#processes.values()) {
      if (oldest === null || process.lastSeenMs < oldest.lastSeenMs) oldest = process;
    }
    if (oldest !== null) this.#processes.delete(oldest.pid);
  }
}

/** `app.js` for `/usr/bin/node --flag app.js`: the script says more than the command. */
function commandName(body: JsonObject): string {
  const args = Array.isArray(body['args']) ? body['args'] : [];
  const script = args.find(
    (argument, index) =>
      typeof argument === 'string' &&
      /^[^-].*\.\w+$/.test(argument) &&
      !/^(-r|--require|--import|--loader)$/.test(args[index - 1]),
  );
  const name = script ?? body['name'];
  return typeof name === 'string' ? basename(name) : 'process';
}

function splitPayload(payload: JsonObject): { snapshot: JsonObject; metrics: JsonObject } {
  const entries = Object.entries(payload);
  return {
    snapshot: Object.fromEntries(entries.filter(([name]) => snapshotMembers.has(name))),
    metrics: Object.fromEntries(entries.filter(([name]) => !snapshotMembers.has(name))),
  };
}

/** Returns a new object, because earlier points share members with the old one. */
function mergeObjects(before: JsonObject, change: JsonObject, budget: { members: number }): JsonObject {
  const merged: Record<string, unknown> = { ...before };
  budget.members -= Object.keys(merged).length;
  for (const [name, value] of Object.entries(change)) {
    if (name === '__proto__') continue;
    if (!(Object.hasOwn(merged, name) || budget.members-- > 0)) continue;
    const old = Object.hasOwn(merged, name) ? merged[name] : undefined;
    merged[name] = isObject(value) ? mergeObjects(isObject(old) ? old : {}, value, budget) : value;
  }
  return merged;
}
