// The same measurement with fresh processes, several times.
import { note } from './progress.js';
import { type AppCase, type RunningApp, startApps, stopApps } from './running-app.js';
import { Surroundings } from './surroundings.js';
import type { Variant } from './variants.js';

/** What was measured of one variant: a list for each generation. */
export interface VariantSeries<Value> {
  readonly name: string;
  /** Why it does not count; null: it does. */
  readonly void: string | null;
  readonly series: readonly (readonly Value[])[];
}

/** `measure` gets the applications of one generation, warm or not, and resolves with the values of each, in its place. */
export async function measureGenerations<Value>(
  variants: readonly Variant[],
  appCase: AppCase,
  generations: number,
  measure: (apps: readonly RunningApp[]) => Promise<Value[][]>,
): Promise<VariantSeries<Value>[]> {
  const voids: (string | null)[] = variants.map(() => null);
  const found: Value[][][] = variants.map(() => []);
  for (let generation = 1; generation <= generations; generation++) {
    note(`  ${appCase.title}: generation ${generation} of ${generations}`);
    const surroundings = await Surroundings.start();
    let apps: RunningApp[] = [];
    try {
      apps = await startApps(variants, appCase, surroundings);
      const values = await measure(apps);
      for (const [index, app] of apps.entries()) {
        found[index]?.push(values[index] ?? []);
        voids[index] ??= app.void;
      }
    } finally {
      await stopApps(apps);
      await surroundings.stop();
    }
  }
  return variants.map(({ name }, index) => ({ name, void: voids[index] ?? null, series: found[index] ?? [] }));
}

/** A line for each variant that is void. */
export function voidsOf(variants: readonly { readonly name: string; readonly void: string | null }[]): string[] {
  return variants.flatMap(({ name, void: reason }) => (reason === null ? [] : [`${name}: ${reason}`]));
}
