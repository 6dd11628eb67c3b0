// The metrics payload sent to the agent, and the delta between two payloads.

/** The runtime data sent to the agent. Absent members are unknown, or not known yet. */
export interface MetricsPayload {
  readonly sensorVersion: string;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly execArgs: readonly string[];
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly keywords: readonly string[];
  /** Installed packages, name to version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** The three dependency sections of package.json, name to range, and the application itself, name to version. */
  readonly directDependencies: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
  readonly http: Readonly<Record<string, unknown>>;
  readonly activeResources: { readonly count: number };
  readonly memory: MemoryMetrics;
  readonly heapSpaces: Readonly<Record<string, HeapSpaceMetrics>>;
  readonly gc: GcMetrics;
  readonly libuv: EventLoopMetrics;
  readonly healthchecks: Readonly<Record<string, never>>;
  readonly initTooLate?: true;
}

/** In bytes. */
export interface MemoryMetrics {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** In bytes. */
export interface HeapSpaceMetrics {
  readonly current: number;
  readonly available: number;
  readonly used: number;
  readonly physical: number;
}

/** Counts since the last read; `gcPause` in milliseconds; `usedHeapSizeAfterGc` in bytes, absent before the first collection. */
export interface GcMetrics {
  readonly minorGcs: number;
  readonly majorGcs: number;
  readonly incrementalMarkings: number;
  readonly weakCallbackProcessing: number;
  readonly gcPause: number;
  readonly usedHeapSizeAfterGc?: number;
  readonly statsSupported: boolean;
}

/** `num`: iterations since the last read, absent if Node.js does not count them; `lag` in milliseconds. */
export interface EventLoopMetrics {
  readonly num?: number;
  readonly lag: number;
  readonly statsSupported: boolean;
}

/** Any JSON object. */
export type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of `next` that differ from `previous`, compared recursively in objects; `{}` if nothing changed. */
export function delta(previous: Members, next: Members): Record<string, unknown> {
  const changed: [string, unknown][] = [];
  for (const [name, value] of Object.entries(next)) {
    const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
    if (before === value) continue; // most members, such as package lists, keep their identity
    if (isMembers(before) && isMembers(value)) {
      const inside = delta(before, value);
      if (Object.keys(inside).length > 0) changed.push([name, inside]);
    } else if (!isEqual(before, value)) changed.push([name, value]);
  }
  return Object.fromEntries(changed);
}

/** Whether `next` lacks a member of `previous`, which a delta cannot express. */
export function hasVanished(previous: Members, next: Members): boolean {
  return Object.entries(previous).some(([name, before]) => {
    if (before === undefined) return false;
    const value = Object.hasOwn(next, name) ? next[name] : undefined;
    if (value === undefined) return true;
    return before !== value && isMembers(before) && isMembers(value) && hasVanished(before, value);
  });
}

function isEqual(before: unknown, value: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(value)) return before === value;
  return before.length === value.length && value.every((element, index) => element === before[index]);
}
