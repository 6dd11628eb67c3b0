// Compares the blocks of each variant with those of the bare application in the same rounds.

import type { VariantSeries } from './process-runs.js';
import type { Block } from './rounds.js';
import { differences, type Mean, meanOf, type Quartiles, quartiles } from './statistics.js';
import { bareAgain, floor } from './variants.js';

/** A series of values for each process run. */
export type ProcessRuns = readonly (readonly number[])[];

export interface Compared {
  readonly absolute: Quartiles;
  readonly difference: Quartiles;
  /** The median difference of each process run. */
  readonly generations: readonly number[];
  /** The sample is the process runs, not the blocks, since each start of a process has a bias of its own. */
  readonly ofGenerations: Mean;
}

export function compare(own: ProcessRuns, bare: ProcessRuns): Compared {
  const perProcessRun = own.map((series, index) => differences(series, bare[index] ?? []));
  const medians = perProcessRun.map((series) => quartiles(series).median);
  return {
    absolute: quartiles(own.flat()),
    difference: quartiles(perProcessRun.flat()),
    generations: medians,
    ofGenerations: meanOf(medians),
  };
}

export interface VariantSummary {
  readonly name: string;
  /** Why the variant does not count; null when it does. */
  readonly void: string | null;
  readonly process: Compared;
  /** Null where the system does not report it. */
  readonly mainThread: Compared | null;
  /** The cost as a multiple of the cost of the floor; null when the floor is within the noise. */
  readonly floors: number | null;
}

type VariantBlocks = VariantSeries<Block>;

/** The first variant is the bare one. */
export function summarize(variants: readonly VariantBlocks[]): VariantSummary[] {
  const bare = variants[0]?.series ?? [];
  const [floorBlocks, noiseBlocks] = [floor.name, bareAgain.name].map((wanted) =>
    variants.find(({ name }) => name === wanted),
  );
  const cost = (blocks: VariantBlocks['series']): number =>
    compare(processOf(blocks), processOf(bare)).ofGenerations.mean;
  const floorCost = floorBlocks === undefined ? 0 : cost(floorBlocks.series);
  const noise = noiseBlocks === undefined ? 0 : Math.abs(cost(noiseBlocks.series));
  return variants.map(({ name, void: reason, series: blocks }) => {
    const [own, other] = [mainOf(blocks), mainOf(bare)];
    return {
      name,
      void: reason,
      process: compare(processOf(blocks), processOf(bare)),
      mainThread: own === null || other === null ? null : compare(own, other),
      floors: floorCost > noise ? cost(blocks) / floorCost : null,
    };
  });
}

function processOf(blocks: VariantBlocks['series']): ProcessRuns {
  return blocks.map((processRun) => processRun.map(({ processMicros }) => processMicros));
}

function mainOf(blocks: VariantBlocks['series']): ProcessRuns | null {
  const series = blocks.map((processRun) => processRun.flatMap(({ mainMicros }) => mainMicros ?? []));
  return series.every((processRun, index) => processRun.length === blocks[index]?.length) ? series : null;
}
