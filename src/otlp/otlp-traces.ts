// Sends spans as OTLP/JSON to a collector, or to the agent's port for it: one request at a time, what is not delivered goes back.
import { AsyncResource } from 'node:async_hooks';
import type { OtlpSettings } from '../config/otlp-endpoints.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import { plainJson } from '../core/plain-json.js';
import { realTimers, Sleeper, type Timers } from '../core/sleeper.js';
import type { FinalRequest } from '../export/exit-flush.js';
import type { SpanQueue } from '../spans/span-queue.js';
import { OtlpClient, type Outcome } from './otlp-client.js';
import { OtlpSpanSerializer } from './otlp-span-json.js';
import type { OtlpAttribute } from './resource.js';

export interface OtlpTracesDependencies {
  readonly log: Log;
  readonly errors: InternalErrors;
  readonly spans: SpanQueue;
  readonly sensorVersion: string;
  /** The name of the service for spans that are encoded now; null: that of the resource. */
  readonly serviceName: () => string | null;
  readonly timers?: Timers;
  readonly random?: () => number;
}

const minGapMs = 150;
const manySpans = 500;
const firstRetryMs = 1000;
const maxRetryMs = 30_000;
/** A receiver may ask to be left alone for longer than we would, but not for ever. */
const maxRetryAfterMs = 600_000;
const retryAfterErrorMs = 10_000;
const flushRetryMs = 100;

// An application may replace it.
const { random } = Math;

/** A flush under way: how many spans are still to be settled, and whom to tell. */
interface Flush {
  remaining: number;
  readonly done: () => void;
}

/** Off until `start()`. No method throws, and nothing of it keeps the process alive but a `flush()` under way. */
export class OtlpTraces {
  readonly #dependencies: OtlpTracesDependencies;
  readonly #timers: Timers;
  readonly #sleeper: Sleeper;
  readonly #flushes: Set<Flush> = new Set();
  readonly #asyncContext: AsyncResource = new AsyncResource('TsSensorOtlp', { requireManualDestroy: true });
  #settings: OtlpSettings | null = null;
  #client: OtlpClient | null = null;
  /** JSON of the attributes of a resource, by the JSON of the service's name; empty for that of the process. */
  #resources: Map<string, string> = new Map();
  #attributes: readonly OtlpAttribute[] | null = null;
  #isSoon = false;
  #isOver = false;
  #inFlight = 0;
  #failures = 0;
  #lastFailure: number = Number.NEGATIVE_INFINITY;
  #lastAttempt: number = Number.NEGATIVE_INFINITY;
  #holdUntil: number = Number.NEGATIVE_INFINITY;

  constructor(dependencies: OtlpTracesDependencies) {
    this.#dependencies = dependencies;
    this.#timers = dependencies.timers ?? realTimers;
    this.#sleeper = new Sleeper(this.#timers);
    dependencies.spans.useSerializer(new OtlpSpanSerializer(dependencies.serviceName));
  }

  /** Begins to send as soon as there is somewhere to send to. All that follows runs in the asynchronous context of this call. */
  start(): void {
    this.#lastAttempt = this.#timers.now(); // by the first of them it is known more of the process
    void this.#repeat();
  }

  /** Where to send from now on, and what to say of this process. */
  use(settings: OtlpSettings, attributes: readonly OtlpAttribute[]): void {
    this.#attributes = attributes;
    this.#resources = new Map();
    const before = this.#settings;
    this.#settings = settings;
    if (before === null || plainJson(before) !== plainJson(settings)) {
      this.#client?.close();
      this.#client = settings.url === null ? null : new OtlpClient(settings.url, settings);
      this.#holdUntil = Number.NEGATIVE_INFINITY;
    }
    this.#sleeper.wake();
  }

  /** Sends before the second is over. */
  requestFlush(): void {
    this.#isSoon = true;
    this.#asyncContext.runInAsyncScope(() => this.#sleeper.wake());
  }

  /** Where spans go, without query; null while that is not known. */
  get url(): string | null {
    return this.#settings?.url?.replace(/\?.*$/s, '') ?? null;
  }

  /**
   * Resolves when all that waits now is delivered or given up, after `timeoutMs`, or as soon as it is plain that nobody is there; never
   * rejects. Until then it keeps the process alive.
   */
  flush(timeoutMs: number): Promise<void> {
    const { spans } = this.#dependencies;
    const waiting = spans.waiting() + this.#inFlight;
    const now = this.#timers.now();
    const isHopeless =
      this.#client === null || this.#holdUntil - now > timeoutMs || now - this.#lastFailure < flushRetryMs;
    if (this.#isOver || waiting === 0 || isHopeless) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#timers.setTimeout(() => flush.done(), timeoutMs);
      const flush: Flush = {
        remaining: waiting,
        done: () => {
          this.#flushes.delete(flush);
          this.#timers.clearTimeout(timer);
          resolve();
        },
      };
      this.#flushes.add(flush);
      this.#asyncContext.runInAsyncScope(() => this.#sleeper.wake());
    });
  }

  /** What is to be sent when the process ends; null when nothing waits, or nobody knows where to. It counts as delivered. */
  finalRequest(): FinalRequest | null {
    const client = this.#client;
    if (client === null) return null;
    const { spans, errors } = this.#dependencies;
    const bodies: Uint8Array[] = [];
    try {
      for (let body = this.#take(); body !== null; body = this.#take()) {
        bodies.push(Buffer.from(body));
        spans.acknowledge();
      }
    } catch (error) {
      errors.record('delivery at exit', error);
    }
    const headers = this.#settings?.headers ?? {};
    return bodies.length === 0 ? null : { ...client.address, path: client.path, headers, bodies };
  }

  /** Drops timers and sockets; what is in flight goes back. */
  stop(): void {
    this.#isOver = true;
    this.#dependencies.spans.requeue();
    this.#client?.close();
    this.#sleeper.wake();
    this.#endFlushes();
  }

  /** A fault of ours is counted, and sending begins again after a while. */
  async #repeat(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#run();
      } catch (error) {
        this.#dependencies.errors.record('sending OTLP spans', error);
        await new Sleeper(this.#timers).sleep(retryAfterErrorMs);
      }
    }
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const delayMs = this.#dueIn();
      if (delayMs > 0) await this.#sleeper.sleep(delayMs);
      else if (this.#client !== null) await this.#sendBatch(this.#client);
    }
  }

  /** Milliseconds until the next attempt. */
  #dueIn(): number {
    if (this.#client === null || this.#settings === null) return Number.POSITIVE_INFINITY;
    const gapMs = this.#flushes.size > 0 ? 0 : this.#isSoon ? minGapMs : this.#settings.intervalMs;
    // Timers count whole milliseconds: with a fraction cut off they would come twice.
    return Math.ceil(Math.max(this.#lastAttempt + gapMs, this.#holdUntil) - this.#timers.now());
  }

  async #sendBatch(client: OtlpClient): Promise<void> {
    const { spans } = this.#dependencies;
    this.#isSoon = false;
    while (!spans.encodeSome()) await new Sleeper(this.#timers).sleep(1);
    if (this.#isOver || this.#client !== client) return;
    const body = this.#take();
    if (body === null) {
      this.#lastAttempt = this.#timers.now();
      this.#endFlushes();
      return;
    }
    const outcome = await client.post(body);
    const count = this.#inFlight;
    this.#inFlight = 0;
    if (this.#isOver) return; // stop() has given the spans back
    this.#lastAttempt = this.#timers.now();
    this.#settle(count, outcome);
  }

  #settle(count: number, outcome: Outcome): void {
    const { spans, log } = this.#dependencies;
    switch (outcome.kind) {
      case 'accepted':
        spans.acknowledge();
        break;
      case 'partial':
        spans.acknowledge(outcome.rejected);
        log.warnOnce(
          'OTLP partial',
          `the receiver of OTLP spans says: ${outcome.rejected} rejected, ${outcome.message}`,
        );
        break;
      case 'refused':
        if (outcome.status === 413) {
          spans.tooLarge();
          this.#isSoon = true;
          return;
        }
        spans.refused();
        log.warnOnce(
          `OTLP ${outcome.status}`,
          `the receiver of OTLP spans at ${this.url} refuses them with status ${outcome.status}; they are dropped`,
        );
        break;
      default:
        spans.requeue();
        this.#settleFailure(outcome);
        return;
    }
    this.#failures = 0;
    this.#isSoon ||= count >= manySpans; // there may be more
    for (const flush of this.#flushes) {
      flush.remaining -= count;
      if (flush.remaining <= 0) flush.done();
    }
  }

  #settleFailure(outcome: Outcome & { readonly kind: 'retry' | 'unreachable' }): void {
    const reason = outcome.kind === 'retry' ? `status ${outcome.status}` : outcome.reason;
    this.#dependencies.log.debug(`spans were not delivered by OTLP and are kept: ${reason}`);
    const ownMs = Math.min(firstRetryMs * 2 ** this.#failures, maxRetryMs) * this.#jitter();
    const toldMs = outcome.kind === 'retry' ? outcome.retryAfterMs : null;
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#holdUntil = this.#timers.now() + Math.max(ownMs, Math.min(toldMs ?? 0, maxRetryAfterMs));
    if (outcome.kind !== 'unreachable') return;
    // Whoever waits for a flush would wait in vain.
    this.#lastFailure = this.#timers.now();
    this.#endFlushes();
  }

  /** So that processes that lost one receiver together do not come back together. */
  #jitter(): number {
    return 1 - 0.2 * (this.#dependencies.random ?? random)();
  }

  #endFlushes(): void {
    for (const flush of this.#flushes) flush.done();
  }

  /** The next batch as the body of a request. */
  #take(): Buffer | null {
    let service: string | null = null;
    const batch = this.#dependencies.spans.take((own) => {
      if (own === service) return ',';
      const start = service === null ? '{"resourceSpans":[' : ']}]},';
      service = own;
      return `${start}${this.#resourceOf(own)}`;
    }, ']}]}]}');
    this.#inFlight = batch?.count ?? 0;
    return batch?.body ?? null;
  }

  /** What stands before the spans of a service. */
  #resourceOf(service: string): string {
    let known = this.#resources.get(service);
    if (known === undefined) {
      const { sensorVersion } = this.#dependencies;
      const attributes = (this.#attributes ?? []).map((attribute) =>
        service !== '' && attribute.key === 'service.name'
          ? { key: attribute.key, value: { stringValue: JSON.parse(service) } }
          : attribute,
      );
      const scope = plainJson({ name: '@instana/ts-sensor', version: sensorVersion });
      known = `{"resource":${plainJson({ attributes })},"scopeSpans":[{"scope":${scope},"spans":[`;
      this.#resources.set(service, known);
    }
    return known;
  }
}
