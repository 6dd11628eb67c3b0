// Repeats a measurement with fresh processes, since each start of a process has a bias of its own. The command line and the JSON call
// the number of process runs `generations`.

import { LoadSetup } from './load-setup.js';
import { reportProgress } from './progress.js';
import { type AppCase, type RunningApp, startApps, stopApps } from './running-app.js';
import type { Variant } from './variants.js';

/** The values of one variant: a list for each process run. */
export interface VariantSeries<Value> {
  readonly name: string;
  /** Why the values do not count; null when they do. */
  readonly void: string | null;
  readonly series: readonly (readonly Value[])[];
}

/** `measure` gets the applications of one process run, just started, and resolves with a list of values for each, in the same order. */
export async function measureProcessRuns<Value>(
  variants: readonly Variant[],
  appCase: AppCase,
  processRuns: number,
  measure: (apps: readonly RunningApp[]) => Promise<Value[][]>,
): Promise<VariantSeries<Value>[]> {
  const voids: (string | null)[] = variants.map(() => null);
  const found: Value[][][] = variants.map(() => []);
  for (let processRun = 1; processRun <= processRuns; processRun++) {
    reportProgress(`  ${appCase.title}: process run ${processRun} of ${processRuns}`);
    const loadSetup = await LoadSetup.start();
    let apps: RunningApp[] = [];
    try {
      apps = await startApps(variants, appCase, loadSetup);
      const values = await measure(apps);
      for (const [index, app] of apps.entries()) {
        found[index]?.push(values[index] ?? []);
        voids[index] ??= app.void;
      }
    } finally {
      await stopApps(apps);
      await loadSetup.stop();
    }
  }
  return variants.map(({ name }, index) => ({ name, void: voids[index] ?? null, series: found[index] ?? [] }));
}

/** A line for each void variant. */
export function voidsOf(variants: readonly { readonly name: string; readonly void: string | null }[]): string[] {
  return variants.flatMap(({ name, void: reason }) => (reason === null ? [] : [`${name}: ${reason}`]));
}
