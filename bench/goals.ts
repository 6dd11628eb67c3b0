// What the sensor may cost, and whether it does.
import type { Measured } from './benchmark.js';

export interface Goal {
  readonly title: string;
  readonly unit: string;
  readonly limit: number;
  /** The figure without the sensor on the machine where the goal was set; on a slower machine the limit grows alike. */
  readonly atBare: number | null;
}

/** Older ones have hooks for ES modules only in a thread of their own. */
const isOld = Number(process.versions.node.split('.')[0]) < 22;

/** By the names that benchmarks give to what they measure. */
export const goals: Readonly<Record<string, Goal>> = {
  http: { title: 'raw http', unit: 'µs CPU a request', limit: 25, atBare: null },
  express: { title: 'Express 5', unit: 'µs CPU a request', limit: 25, atBare: 141 },
  'express-call': { title: 'Express 5, one call out', unit: 'µs CPU a request', limit: 55, atBare: 233 },
  koa: { title: 'Koa 3', unit: 'µs CPU a request', limit: 25, atBare: null },
  'start-up -r': { title: 'start-up, -r', unit: 'ms CPU', limit: 25, atBare: 24 },
  'start-up --import': { title: 'start-up, --import', unit: 'ms CPU', limit: isOld ? 80 : 45, atBare: 24 },
  suppressed: { title: 'suppressed, upper quartile', unit: 'µs CPU a request', limit: 15, atBare: 141 },
  runtime: { title: '`runtime`, upper quartile', unit: 'µs CPU a request', limit: 15, atBare: 141 },
  throughput: { title: 'top throughput lost', unit: '% of bare', limit: 12, atBare: null },
  'memory-start': { title: 'RSS after the start', unit: 'MiB', limit: 8, atBare: null },
  'memory-later': { title: 'RSS after the requests', unit: 'MiB', limit: 12, atBare: null },
  'memory-collected': { title: 'heap after a collection', unit: 'MiB', limit: 2, atBare: null },
  idle: { title: 'idle minute', unit: 'ms CPU', limit: 120, atBare: null },
  'agent-list': { title: 'traces listed by the local agent', unit: 'ms', limit: 50, atBare: null },
  headers: { title: 'trace headers', unit: 'µs a request', limit: 3, atBare: null },
  'manual-span': { title: 'span by hand', unit: 'µs CPU', limit: 4, atBare: null },
};

/** So many times its goal a figure may be before `--check` fails: the machines of a build service are noisy. */
const toleratedGoals = 3;

export interface Judgement {
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  /** The goal, for a machine of this speed. */
  readonly limit: number;
}

/** A line for each figure that is so far beyond its goal that `--check` fails. */
export function excesses(measured: readonly Measured[]): string[] {
  return judge(measured)
    .filter(({ value, limit }) => value > toleratedGoals * limit)
    .map(
      ({ title, unit, value, limit }) =>
        `${title}: ${value.toFixed(1)} ${unit} is more than ${toleratedGoals} times the goal of ${limit.toFixed(1)}`,
    );
}

/** What is said of figures that have a goal. */
export function judge(measured: readonly Measured[]): Judgement[] {
  return measured.flatMap(({ goal: name, value, bare }) => {
    const goal = goals[name];
    if (goal === undefined) return [];
    const speed = goal.atBare === null || bare === null ? 1 : bare / goal.atBare;
    return [{ title: goal.title, unit: goal.unit, value, limit: goal.limit * speed }];
  });
}
