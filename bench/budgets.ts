// What the sensor may cost, and whether it costs more.
import type { Measured } from './benchmark.js';

export interface Budget {
  readonly title: string;
  readonly unit: string;
  readonly limit: number;
  /** The figure without the sensor on the machine where the budget was set. On a slower machine the limit grows in proportion. */
  readonly atBare: number | null;
}

/** Older versions run hooks for ES modules in a separate thread, which has to start first. */
const isOld = Number(process.versions.node.split('.')[0]) < 22;

/** The budgets by the names that benchmarks use for what they measure. */
export const budgets: Readonly<Record<string, Budget>> = {
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
  'manual-span': { title: 'manual span', unit: 'µs CPU', limit: 4, atBare: null },
};

/** `--check` fails above this multiple of the budget; the machines of a build service are noisy. */
const maxBudgetMultiple = 3;

export interface Judgement {
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  /** The budget for a machine of this speed. */
  readonly limit: number;
}

/** A line for each figure that is so far over its budget that `--check` fails. */
export function excesses(measured: readonly Measured[]): string[] {
  return judge(measured)
    .filter(({ value, limit }) => value > maxBudgetMultiple * limit)
    .map(
      ({ title, unit, value, limit }) =>
        `${title}: ${value.toFixed(1)} ${unit} is more than ${maxBudgetMultiple} times the budget of ${limit.toFixed(1)}`,
    );
}

/** Compares figures with their budgets; figures without a budget are left out. */
export function judge(measured: readonly Measured[]): Judgement[] {
  return measured.flatMap(({ budget: name, value, bare }) => {
    const budget = budgets[name];
    if (budget === undefined) return [];
    const speed = budget.atBare === null || bare === null ? 1 : bare / budget.atBare;
    return [{ title: budget.title, unit: budget.unit, value, limit: budget.limit * speed }];
  });
}
