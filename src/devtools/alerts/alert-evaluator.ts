// Evaluates the health rules of the integration package on the metrics of each instance, and keeps the resulting alerts.
import { type HealthCondition, type HealthRule, healthRules } from '../../protocol/health-rules.js';
import { findMetric, metricScope } from '../../protocol/metric-registry.js';
import type { OtlpPoint } from '../otlp/read-metrics.js';
import type { Instance } from '../store/instances.js';
import { SlidingWindow } from './sliding-window.js';

/** Numbers by metric name, each in the unit of its metric. */
export type Values = Readonly<Record<string, number>>;

/** One violation of a health rule by one instance, in the JSON form of `GET /api/events`. */
export interface Alert {
  /** Increases by one with each alert. */
  readonly id: number;
  readonly name: string;
  readonly severity: HealthRule['severity'];
  readonly state: 'open' | 'closed';
  readonly service: string | null;
  readonly instanceId: string | null;
  readonly pid: number | null;
  readonly openedMs: number;
  readonly closedMs: number | null;
  /** The current values while the alert is open, then the last ones for which the rule held. */
  readonly values: Values;
  readonly thresholds: Values;
  readonly description: string;
}

interface ConditionWindow {
  readonly condition: HealthCondition;
  readonly window: SlidingWindow;
}

interface RuleState {
  readonly rule: HealthRule;
  readonly conditions: readonly ConditionWindow[];
  open: MutableAlert | null;
}

interface MutableAlert extends Alert {
  state: 'open' | 'closed';
  closedMs: number | null;
  values: Values;
}

interface InstanceState {
  readonly instance: Instance;
  readonly rules: readonly RuleState[];
}

const maxAlerts = 500;
/** Share of the window that the values must span before an alert opens, so that a short peak at the start opens none. */
const minCoverage = 2 / 3;
const minValues = 3;
/** The average of identical values may differ from them in the last digit. */
const roundingTolerance = 1 + 1e-9;

export interface AlertEvaluatorOptions {
  /** Scales the rules' time windows, for tests. */
  readonly windowScale: number;
  readonly rules?: readonly HealthRule[];
  /** Called when an alert opens or closes. */
  onChange(alert: Alert): void;
}

/** Opens and closes alerts. It uses the time of arrival, since the clock of a sender may be wrong. */
export class AlertEvaluator {
  readonly #options: AlertEvaluatorOptions;
  readonly #rules: readonly HealthRule[];
  readonly #states: Map<string, InstanceState> = new Map();
  #alerts: MutableAlert[] = [];
  #lastId = 0;

  constructor(options: AlertEvaluatorOptions) {
    this.#options = options;
    this.#rules = options.rules ?? healthRules;
  }

  /** Records a point if a rule may use it: it needs our scope, the registered kind and no attributes. */
  record(instance: Instance, point: OtlpPoint, nowMs: number): void {
    if (point.scope !== metricScope || typeof point.value !== 'number') return;
    if (Object.keys(point.attributes).length > 0 || findMetric(point.name)?.kind !== point.kind) return;
    for (const { conditions } of this.#stateOf(instance).rules) {
      for (const { condition, window } of conditions) {
        if (condition.metric === point.name) window.add(nowMs, point.value);
      }
    }
  }

  /** Evaluates all rules for one instance. */
  evaluate(instance: Instance, nowMs: number): void {
    for (const state of this.#states.get(instance.key)?.rules ?? []) this.#evaluateRule(state, instance, nowMs);
  }

  /** Evaluates all rules for all instances. An alert also closes when its instance stops sending data. */
  evaluateAll(nowMs: number): void {
    for (const { instance } of this.#states.values()) this.evaluate(instance, nowMs);
  }

  /** Removes an instance that has gone, and closes its alerts. */
  drop({ key }: Instance, nowMs: number): void {
    for (const state of this.#states.get(key)?.rules ?? []) this.#close(state, nowMs);
    this.#states.delete(key);
  }

  /** The alerts, newest first. */
  alerts(): Alert[] {
    return this.#alerts.map((alert) => ({ ...alert })).reverse();
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
    const conditions = rule.conditions.map((condition) => ({ condition, window: new SlidingWindow(lengthMs) }));
    return { rule, conditions, open: null };
  }

  #evaluateRule(state: RuleState, instance: Instance, nowMs: number): void {
    for (const { window } of state.conditions) window.slide(nowMs);
    const values = exceededValues(state.conditions);
    if (values === null) this.#close(state, nowMs);
    else if (state.open !== null) state.open.values = values;
    else if (this.#isCovered(state)) this.#open(state, instance, values, nowMs);
  }

  #isCovered({ rule, conditions }: RuleState): boolean {
    const minMs = rule.windowMs * this.#options.windowScale * minCoverage;
    return conditions.every(({ window }) => window.count >= minValues && window.spanMs >= minMs);
  }

  #open(state: RuleState, instance: Instance, values: Values, nowMs: number): void {
    const { service, instanceId, pid } = instance;
    const { name, severity, description, conditions } = state.rule;
    const alert: MutableAlert = {
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
    state.open = alert;
    this.#alerts.push(alert);
    this.#evict();
    this.#options.onChange({ ...alert });
  }

  #close(state: RuleState, nowMs: number): void {
    if (state.open === null) return;
    state.open.state = 'closed';
    state.open.closedMs = nowMs;
    this.#options.onChange({ ...state.open });
    state.open = null;
  }

  /** Removes the oldest closed alert first. */
  #evict(): void {
    if (this.#alerts.length <= maxAlerts) return;
    const closed = this.#alerts.findIndex(({ state }) => state === 'closed');
    this.#alerts.splice(Math.max(0, closed), 1);
  }
}

/** The values of all conditions if every one exceeds its threshold, else `null`. */
function exceededValues(conditions: readonly ConditionWindow[]): Values | null {
  const values: [string, number][] = [];
  for (const { condition, window } of conditions) {
    const value = window.aggregate(condition.aggregation);
    if (value === null || value <= condition.above * roundingTolerance) return null;
    values.push([condition.metric, value]);
  }
  return Object.fromEntries(values);
}
