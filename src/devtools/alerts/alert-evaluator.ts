// Evaluates the health rules on what each instance reports: which of the events of the integration package would be open now.
import { type HealthCondition, type HealthRule, healthRules } from '../../protocol/health-rules.js';
import { findMetric, metricScope } from '../../protocol/metric-registry.js';
import type { OtlpPoint } from '../otlp/read-metrics.js';
import type { Instance } from '../store/instances.js';
import { SlidingWindow } from './sliding-window.js';

/** Numbers by the name of their metric, in its unit. */
export type Values = Readonly<Record<string, number>>;

/** An event as the JSON requests show it. */
export interface HealthEvent {
  /** Counts up. */
  readonly id: number;
  readonly name: string;
  readonly severity: HealthRule['severity'];
  readonly state: 'open' | 'closed';
  readonly service: string | null;
  readonly instanceId: string | null;
  readonly pid: number | null;
  readonly openedMs: number;
  readonly closedMs: number | null;
  /** As long as it is open those of now, then the last ones for which the rule held. */
  readonly values: Values;
  readonly thresholds: Values;
  readonly description: string;
}

interface Watched {
  readonly condition: HealthCondition;
  readonly window: SlidingWindow;
}

interface RuleState {
  readonly rule: HealthRule;
  readonly watched: readonly Watched[];
  open: OpenEvent | null;
}

interface OpenEvent extends HealthEvent {
  state: 'open' | 'closed';
  closedMs: number | null;
  values: Values;
}

interface InstanceState {
  readonly instance: Instance;
  readonly rules: readonly RuleState[];
}

const maximumEvents = 500;
/** Part of the window that values have to span before an event opens: a moment of load at the start is no state. */
const leastCoverage = 2 / 3;
const leastValues = 3;
/** The average of values that are all the same may differ from them in the last digit. */
const roundingRoom = 1 + 1e-9;

export interface HealthWatchOptions {
  /** Windows are so many times as long as the rules say; for tests. */
  readonly windowScale: number;
  readonly rules?: readonly HealthRule[];
  /** Told when an event opens or closes. */
  changed(event: HealthEvent): void;
}

/** Opens and closes events. Times are those of arrival: clocks of senders may be wrong. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #rules: readonly HealthRule[];
  readonly #states: Map<string, InstanceState> = new Map();
  #events: OpenEvent[] = [];
  #lastId = 0;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#rules = options.rules ?? healthRules;
  }

  /** Notes a point; rules refer to metrics of our scope, by name and kind, with one series. */
  note(instance: Instance, point: OtlpPoint, nowMs: number): void {
    if (point.scope !== metricScope || typeof point.value !== 'number') return;
    if (Object.keys(point.attributes).length > 0 || findMetric(point.name)?.kind !== point.kind) return;
    for (const { watched } of this.#stateOf(instance).rules) {
      for (const { condition, window } of watched) {
        if (condition.metric === point.name) window.add(nowMs, point.value);
      }
    }
  }

  /** Looks at the rules of one instance. */
  look(instance: Instance, nowMs: number): void {
    for (const state of this.#states.get(instance.key)?.rules ?? []) this.#lookAt(state, instance, nowMs);
  }

  /** Looks at all: data that no longer come close an event as well. */
  lookAtAll(nowMs: number): void {
    for (const { instance } of this.#states.values()) this.look(instance, nowMs);
  }

  /** The instance is gone, its events are over. */
  drop({ key }: Instance, nowMs: number): void {
    for (const state of this.#states.get(key)?.rules ?? []) this.#close(state, nowMs);
    this.#states.delete(key);
  }

  /** The events, newest first. */
  events(): HealthEvent[] {
    return this.#events.map((event) => ({ ...event })).reverse();
  }

  #stateOf(instance: Instance): InstanceState {
    const known = this.#states.get(instance.key);
    if (known !== undefined) return known;
    const state = { instance, rules: this.#rules.map((rule) => this.#stateOfRule(rule)) };
    this.#states.set(instance.key, state);
    return state;
  }

  #stateOfRule(rule: HealthRule): RuleState {
    const lengthMs = rule.windowMs * this.#options.windowScale;
    const watched = rule.conditions.map((condition) => ({ condition, window: new SlidingWindow(lengthMs) }));
    return { rule, watched, open: null };
  }

  #lookAt(state: RuleState, instance: Instance, nowMs: number): void {
    for (const { window } of state.watched) window.slide(nowMs);
    const values = heldValues(state.watched);
    if (values === null) this.#close(state, nowMs);
    else if (state.open !== null) state.open.values = values;
    else if (this.#isCovered(state)) this.#open(state, instance, values, nowMs);
  }

  #isCovered({ rule, watched }: RuleState): boolean {
    const leastMs = rule.windowMs * this.#options.windowScale * leastCoverage;
    return watched.every(({ window }) => window.count >= leastValues && window.spanMs >= leastMs);
  }

  #open(state: RuleState, instance: Instance, values: Values, nowMs: number): void {
    const { service, instanceId, pid } = instance;
    const { name, severity, description, conditions } = state.rule;
    const event: OpenEvent = {
      id: ++this.#lastId,
      name,
      severity,
      state: 'open',
      service,
      instanceId,
      pid,
      openedMs: nowMs,
      closedMs: null,
      values,
      thresholds: Object.fromEntries(conditions.map(({ metric, above }) => [metric, above])),
      description,
    };
    state.open = event;
    this.#events.push(event);
    this.#makeRoom();
    this.#options.changed({ ...event });
  }

  #close(state: RuleState, nowMs: number): void {
    if (state.open === null) return;
    state.open.state = 'closed';
    state.open.closedMs = nowMs;
    this.#options.changed({ ...state.open });
    state.open = null;
  }

  /** The oldest closed ones go first. */
  #makeRoom(): void {
    if (this.#events.length <= maximumEvents) return;
    const closed = this.#events.findIndex(({ state }) => state === 'closed');
    this.#events.splice(Math.max(0, closed), 1);
  }
}

/** What the conditions come to when all of them hold, else `null`. */
function heldValues(watched: readonly Watched[]): Values | null {
  const values: [string, number][] = [];
  for (const { condition, window } of watched) {
    const value = window.aggregate(condition.aggregation);
    if (value === null || value <= condition.above * roundingRoom) return null;
    values.push([condition.metric, value]);
  }
  return Object.fromEntries(values);
}
