// What the tests of the agent connection share: a recorder in miniature, a clock that is moved by hand, waiting for conditions.
import assert from 'node:assert/strict';
import { Agent, type AgentDependencies } from '../../../src/agent/agent.js';
import type { SpanSource } from '../../../src/agent/agent-target.js';
import type { MetricsSource } from '../../../src/agent/metrics-sender.js';
import { readConfig } from '../../../src/config/read-config.js';
import type { Timer, Timers } from '../../../src/core/clock.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';

/** Spans are numbers; fails when the order of calls is not the promised one. */
export class FakeSpans implements SpanSource {
  readonly entities: string[] = [];
  queue: number[] = [];
  dropped: number[] = [];
  batch = 1000;
  counters = { opened: 0, closed: 0, dropped: 0 };
  #inFlight: number[] | null = null;
  #next = 1;

  add(count: number): void {
    for (let index = 0; index < count; index++) this.queue.push(this.#next++);
  }

  take(entity: string, host: string): { body: string; count: number } | null {
    assert.equal(this.#inFlight, null, 'one batch in flight');
    if (this.queue.length === 0) return null;
    if (entity !== '') this.entities.push(entity);
    this.#inFlight = this.queue.splice(0, this.batch);
    const body = JSON.stringify(this.#inFlight.map((s) => ({ s, f: { e: entity, h: host } })));
    return { body, count: this.#inFlight.length };
  }

  encodeSome(): boolean {
    return true;
  }

  acknowledge(): void {
    this.#settle();
  }

  requeue(): void {
    this.queue.unshift(...this.#settle());
  }

  tooLarge(): void {
    const spans = this.#settle();
    this.batch = Math.max(1, Math.floor(spans.length / 2));
    if (spans.length === 1) this.dropped.push(...spans);
    else this.queue.unshift(...spans);
  }

  waiting(): number {
    return this.queue.length;
  }

  readCounters(): { opened: number; closed: number; dropped: number } {
    const counters = this.counters;
    this.counters = { opened: 0, closed: 0, dropped: 0 };
    return counters;
  }

  #settle(): number[] {
    const spans = this.#inFlight;
    assert.ok(spans !== null, 'a batch is in flight');
    this.#inFlight = null;
    return spans;
  }
}

/** Metrics whose members a test sets. */
export class FakeMetrics implements MetricsSource {
  members: Record<string, unknown> = {};
  isRunning = false;

  start(): void {
    this.isRunning = true;
  }

  stop(): void {
    this.isRunning = false;
  }

  read(pid: number): Record<string, unknown> {
    return { pid, ...this.members };
  }
}

/** Time stands still until a test moves it. */
export class FakeTimers implements Timers {
  readonly waits: number[] = [];
  #nowMs = 0;
  #pending: { callback: () => void; dueMs: number; timer: Timer }[] = [];

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { unref: () => timer };
    this.waits.push(delayMs);
    this.#pending.push({ callback, dueMs: this.#nowMs + delayMs, timer });
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#pending = this.#pending.filter((entry) => entry.timer !== timer);
  }

  now = (): number => this.#nowMs;

  get pending(): number {
    return this.#pending.length;
  }

  /** Whether the connection waits, beside the timer of ten seconds that tells that no agent was found. */
  get hasWait(): boolean {
    return this.pending > (this.#nowMs < 10_000 ? 1 : 0);
  }

  /** Moves to the next timer and runs it; returns the milliseconds that passed. */
  next(): number {
    this.#pending.sort((one, other) => one.dueMs - other.dueMs);
    const entry = this.#pending.shift();
    if (entry === undefined) return 0;
    const passedMs = entry.dueMs - this.#nowMs;
    this.#nowMs = entry.dueMs;
    entry.callback();
    return passedMs;
  }
}

export interface Fixture {
  readonly agent: Agent;
  readonly spans: FakeSpans;
  readonly metrics: FakeMetrics;
  readonly lines: string[];
  readonly errors: InternalErrors;
  readonly answers: unknown[];
  port: number;
}

/** Whether the agent is found and knows the process. */
export function isReady(agent: Agent): boolean {
  return agent.status().state === 'ready';
}

/** A connection to a port of this machine, not started. */
export function makeAgent(
  port: number,
  overrides: Partial<AgentDependencies> = {},
  env: NodeJS.ProcessEnv = {},
): Fixture {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const log = new Log('info', {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  });
  const errors = new InternalErrors(log);
  const spans = new FakeSpans();
  const metrics = new FakeMetrics();
  const answers: unknown[] = [];
  const fixture = { spans, metrics, lines, errors, answers, port };
  const agent = new Agent({
    log,
    errors,
    config: () =>
      readConfig(
        { INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: String(fixture.port), ...env },
        {},
        undefined,
        () => {},
      ),
    spans,
    metrics,
    onAnnounced: (answer) => void answers.push(answer),
    isMainThread: true,
    deadlineMs: 500,
    ...overrides,
  });
  return Object.assign(fixture, { agent });
}
