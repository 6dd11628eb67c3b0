// Keeps the latest traces within a maximum of spans and bytes, and evicts the oldest ones first.
import type { WireSpan } from '../../protocol/wire-span.js';
import { otlpSpanName } from '../otlp/read-spans.js';
import {
  configuredService,
  hasError,
  normalId,
  operationOf,
  pathOf,
  type ReceivedSpan,
  readSpan,
  spanKind,
} from './received-span.js';

/** A trace in the JSON form of `GET /api/traces`. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly processes: readonly (number | string)[];
}

/** Conditions that a listed trace must meet; an absent member matches every trace. */
export interface TraceFilter {
  readonly service?: string;
  readonly minDurationMs?: number;
  readonly error?: boolean;
  readonly q?: string;
  readonly limit?: number;
}

/** The service names of processes, for spans without one. `version` changes whenever a name may have changed. */
export interface ServiceNames {
  readonly version: number;
  serviceName(pid: number | string): string;
}

/** The spans of one trace, in the order of arrival. */
export interface StoredTrace {
  readonly traceId: string;
  readonly spans: readonly ReceivedSpan[];
}

interface CachedSummary {
  readonly summary: TraceSummary;
  readonly path: string;
  readonly services: ReadonlySet<string>;
  readonly spanCount: number;
  readonly namesVersion: number;
}

interface Trace extends StoredTrace {
  readonly spans: ReceivedSpan[];
  bytes: number;
  cached: CachedSummary | null;
  /** Position of each span by id. Set once a span arrives over OTLP, since a sensor may send its spans both ways. */
  positions: Map<string, number> | null;
}

/** Finds traces by id, service, duration and text. The cost of adding a span does not depend on how full the store is. */
export class TraceStore {
  readonly #maxSpans: number;
  readonly #maxBytes: number;
  readonly #names: ServiceNames;
  readonly #traces: Map<string, Trace> = new Map();
  // A Map finds its oldest entry only by stepping over all entries that were deleted before it.
  #order: Trace[] = [];
  #oldest = 0;
  #received = 0;
  #stored = 0;
  #evicted = 0;
  #bytes = 0;

  constructor(names: ServiceNames, maxSpans: number, maxBytes: number) {
    this.#names = names;
    this.#maxSpans = maxSpans;
    this.#maxBytes = maxBytes;
  }

  get counts(): { received: number; stored: number; evicted: number } {
    return { received: this.#received, stored: this.#stored, evicted: this.#evicted };
  }

  /** Size of the stored spans in JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a batch of spans as received from one process and returns the traces that changed. Invalid spans are left out. */
  add(batch: readonly unknown[], pid: number | string, batchBytes: number): Set<StoredTrace> {
    const touched = new Set<StoredTrace>();
    const bytesEach = Math.ceil(batchBytes / Math.max(1, batch.length));
    for (const value of batch) {
      const span = readSpan(value, pid, bytesEach, this.#received);
      if (span === null) continue;
      this.#received++;
      const trace = this.#insert(span);
      if (trace !== null) touched.add(trace);
    }
    this.#evict();
    return touched;
  }

  #insert(span: ReceivedSpan): Trace | null {
    const known = this.#traces.get(span.traceId);
    // One large trace must not evict all others and then itself.
    if ((known?.spans.length ?? 0) >= this.#maxSpans || (known?.bytes ?? 0) + span.bytes > this.#maxBytes) {
      this.#evicted++;
      return null;
    }
    const trace = known ?? this.#open(span.traceId);
    if (this.#isSecondForm(trace, span)) return trace;
    trace.spans.push(span);
    trace.bytes += span.bytes;
    this.#stored++;
    this.#bytes += span.bytes;
    return trace;
  }

  /** Whether the span is stored already in its other form, native or OTLP. The native form replaces the OTLP form. */
  #isSecondForm(trace: Trace, span: ReceivedSpan): boolean {
    const isOtlp = span.span.n === otlpSpanName;
    if (isOtlp) trace.positions ??= new Map(trace.spans.map(({ id }, position) => [id, position]));
    if (trace.positions === null) return false;
    const position = trace.positions.get(span.id);
    const other = position === undefined ? undefined : trace.spans[position];
    if (position === undefined || other === undefined || (other.span.n === otlpSpanName) === isOtlp) {
      trace.positions.set(span.id, trace.spans.length);
      return false;
    }
    if (!isOtlp) {
      trace.spans[position] = span;
      trace.bytes += span.bytes - other.bytes;
      this.#bytes += span.bytes - other.bytes;
      trace.cached = null;
    }
    return true;
  }

  #open(traceId: string): Trace {
    const trace: Trace = { traceId, spans: [], bytes: 0, cached: null, positions: null };
    this.#traces.set(traceId, trace);
    this.#order.push(trace);
    return trace;
  }

  #evict(): void {
    while (this.#stored > this.#maxSpans || this.#bytes > this.#maxBytes) {
      const trace = this.#order[this.#oldest++];
      if (trace === undefined) break;
      this.#traces.delete(trace.traceId);
      this.#stored -= trace.spans.length;
      this.#evicted += trace.spans.length;
      this.#bytes -= trace.bytes;
    }
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  /** Removes all traces; the counters of received and evicted spans stay. */
  clear(): void {
    this.#traces.clear();
    this.#order = [];
    this.#oldest = 0;
    this.#stored = 0;
    this.#bytes = 0;
  }

  /** Finds a trace by its id of 16 or 32 digits. */
  find(id: string): StoredTrace | null {
    const key = normalId(id);
    const found = key === null ? undefined : this.#traces.get(key);
    if (found !== undefined || id.length <= 16) return found ?? null;
    const longId = id.toLowerCase();
    for (const trace of this.#traces.values()) {
      if (trace.spans.some(({ span }) => span.lt === longId)) return trace;
    }
    return null;
  }

  /** Every stored span as received, in the order of arrival. */
  spans(): WireSpan[] {
    const all = [...this.#traces.values()].flatMap((trace) => trace.spans);
    return all.sort((left, right) => left.sequence - right.sequence).map(({ span }) => span);
  }

  /** The summaries that match the filter, the latest start first. */
  list(filter: TraceFilter): TraceSummary[] {
    const needle = filter.q?.toLowerCase();
    const passing: TraceSummary[] = [];
    for (const trace of this.#traces.values()) {
      const { summary, services, path } = this.#summarised(trace);
      if (filter.service !== undefined && !services.has(filter.service)) continue;
      if (filter.minDurationMs !== undefined && summary.durationMs < filter.minDurationMs) continue;
      if (filter.error === true && summary.errorCount === 0) continue;
      const { name, service, traceId } = summary;
      if (needle !== undefined && ![name, service, path, traceId].some((text) => text.toLowerCase().includes(needle)))
        continue;
      passing.push(summary);
    }
    passing.sort((left, right) => right.startMs - left.startMs);
    return passing.slice(0, filter.limit ?? 100);
  }

  /** The current summary of one trace. */
  summary(trace: StoredTrace): TraceSummary {
    return summarise(trace, this.#names).summary;
  }

  /** The name of the service that the span belongs to. */
  serviceOf(received: ReceivedSpan): string {
    return configuredService(received.span) ?? this.#names.serviceName(received.pid);
  }

  #summarised(trace: Trace): CachedSummary {
    const { cached } = trace;
    const isFresh = cached?.spanCount === trace.spans.length && cached.namesVersion === this.#names.version;
    if (cached !== null && isFresh) return cached;
    trace.cached = summarise(trace, this.#names);
    return trace.cached;
  }
}

/** The span that a trace is named after: the one without a parent, else the earliest entry, else the earliest span. */
function rootOf(trace: StoredTrace): ReceivedSpan | null {
  let best: ReceivedSpan | null = null;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const received of trace.spans) {
    const isEntry = spanKind(received.span) === 1;
    const rank = received.parentId === null ? (isEntry ? 0 : 1) : isEntry ? 2 : 3;
    if (best !== null && (rank > bestRank || (rank === bestRank && received.span.ts >= best.span.ts))) continue;
    best = received;
    bestRank = rank;
  }
  return best;
}

function summarise(trace: StoredTrace, names: ServiceNames): CachedSummary {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = 0;
  let errorCount = 0;
  const processes = new Set<number | string>();
  const services = new Set<string>();
  for (const { span, pid } of trace.spans) {
    startMs = Math.min(startMs, span.ts);
    endMs = Math.max(endMs, span.ts + span.d);
    if (hasError(span)) errorCount++;
    processes.add(pid);
    services.add(configuredService(span) ?? names.serviceName(pid));
  }
  const root = rootOf(trace);
  const spanCount = trace.spans.length;
  const summary: TraceSummary = {
    traceId: trace.traceId,
    name: root === null ? '' : operationOf(root.span),
    service: root === null ? '' : (configuredService(root.span) ?? names.serviceName(root.pid)),
    startMs: root === null ? 0 : startMs,
    durationMs: root === null ? 0 : endMs - startMs,
    spanCount,
    errorCount,
    processes: [...processes],
  };
  const path = root === null ? '' : (pathOf(root.span) ?? '');
  return { summary, path, services, spanCount, namesVersion: names.version };
}
