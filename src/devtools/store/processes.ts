// Announced processes: who they are, their snapshots, and their metrics merged from deltas into series.
import { basename } from 'node:path';
import { isObject } from './received-span.js';
import type { ServiceNames } from './traces.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** What the operating system says about a process, seen from outside. */
export interface OutsideView {
  readonly cpuPercent: number;
  readonly rssBytes: number;
}

/** The merged metrics of a process at one moment. */
export interface MetricsPoint {
  readonly timeMs: number;
  readonly [metric: string]: unknown;
}

/** Something the agent asks of a process, in the answer to its next metrics. */
export interface AgentRequest {
  readonly action: string;
  readonly messageId: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A process as the JSON requests show it. `outside` is null until it has been looked at. */
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
  /** The pid by which the process knows itself; another one inside a container. */
  readonly ownPid: number;
  readonly commandName: string;
  readonly announcedMs: number;
  lastSeenMs: number;
  snapshot: JsonObject;
  metrics: JsonObject;
  outside: OutsideView | null;
  points: MetricsPoint[];
  queued: AgentRequest[];
}

const maximumProcesses = 500;
const maximumNames = 5_000;
const maximumPoints = 900;
const maximumMembers = 10_000;
/** The members of a Node.js payload that say what a process is, not how it does. */
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

/** The processes that have announced themselves and are still there. */
export class ProcessStore implements ServiceNames {
  readonly #now: () => number;
  readonly #processes: Map<number, Announced> = new Map();
  /** Names outlive their process, for its traces do too. */
  readonly #names: Map<number, { configured: string | null; snapshot: string | null }> = new Map();
  #version = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Changes whenever a service name may have. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#processes.size;
  }

  /** Remembers a process under the pid it was given; whoever announces again starts from nothing. */
  announce(pid: number, ownPid: number, body: JsonObject): void {
    if (this.#processes.size >= maximumProcesses && !this.#processes.has(pid)) this.#dropLongestUnseen();
    const announcedMs = this.#now();
    this.#processes.set(pid, {
      pid,
      ownPid,
      commandName: commandName(body),
      announcedMs,
      lastSeenMs: announcedMs,
      snapshot: {},
      metrics: {},
      outside: null,
      points: [],
      queued: [],
    });
  }

  has(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** Notes a sign of life; false when the process is not known. */
  touch(pid: number): boolean {
    const process = this.#processes.get(pid);
    if (process !== undefined) process.lastSeenMs = this.#now();
    return process !== undefined;
  }

  /** Merges a metrics payload of the Node.js or the Python shape and returns the new point. */
  merge(pid: number, payload: JsonObject): MetricsPoint | null {
    const process = this.#processes.get(pid);
    if (process === undefined) return null;
    const budget = { members: maximumMembers };
    if (isObject(payload['metrics']) || isObject(payload['snapshot'])) {
      // The Python shape repeats the pid in each payload, so it says nothing about a full one.
      if (isObject(payload['snapshot'])) process.snapshot = mergeObjects({}, payload['snapshot'], budget);
      if (isObject(payload['metrics'])) process.metrics = mergeObjects(process.metrics, payload['metrics'], budget);
    } else {
      // The pid never changes, so only a full payload has it; that one also clears members which have gone.
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
    // A point a second: what comes sooner belongs to the last one.
    const isSameSecond = last !== undefined && timeMs - last.timeMs < 500;
    const point = { ...process.metrics, timeMs: isSameSecond ? last.timeMs : timeMs };
    if (isSameSecond) process.points.pop();
    process.points.push(point);
    if (process.points.length > maximumPoints) process.points.splice(0, process.points.length - maximumPoints);
    return point;
  }

  /** Notes the service name found in a span of the process. */
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
    if (this.#names.size > maximumNames && oldest !== undefined) this.#names.delete(oldest);
  }

  serviceName(pid: number | string): string {
    const names = this.#names.get(Number(pid));
    return names?.configured ?? names?.snapshot ?? `pid ${pid}`;
  }

  /** Puts a request into the answer to the next metrics of the process. */
  queue(pid: number, request: AgentRequest): void {
    this.#processes.get(pid)?.queued.push(request);
  }

  /** The queued requests, which are then no longer queued. */
  takeQueued(pid: number): AgentRequest[] {
    return this.#processes.get(pid)?.queued.splice(0) ?? [];
  }

  /** Pids to watch: the reporting pid of each process and the one it has for itself. */
  pids(): { pid: number; ownPid: number; lastSeenMs: number }[] {
    return [...this.#processes.values()].map(({ pid, ownPid, lastSeenMs }) => ({ pid, ownPid, lastSeenMs }));
  }

  observe(pid: number, outside: OutsideView | null): void {
    const process = this.#processes.get(pid);
    if (process !== undefined) process.outside = outside;
  }

  drop(pid: number): void {
    this.#processes.delete(pid);
  }

  /** Drops every process, as an agent does that is started again. */
  clear(): void {
    this.#processes.clear();
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

  /** Points since a time, that one included; `null` when the process is not known. */
  points(pid: number, sinceMs: number): MetricsPoint[] | null {
    return this.#processes.get(pid)?.points.filter(({ timeMs }) => timeMs >= sinceMs) ?? null;
  }

  #dropLongestUnseen(): void {
    let unseen: Announced | null = null;
    for (const process of this.#processes.values()) {
      if (unseen === null || process.lastSeenMs < unseen.lastSeenMs) unseen = process;
    }
    if (unseen !== null) this.#processes.delete(unseen.pid);
  }
}

/** `app.js` of `/usr/bin/node --flag app.js`: the command says less than what it runs. */
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

/** A new object, so that points which share members with the old one stay as they were. */
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
