// What the blocks of several generations say of a variant, against the bare application of the same rounds.
import { differences, type Figures, figures, type Mean, meanOf } from './figures.js';
import type { VariantSeries } from './generations.js';
import type { Block } from './rounds.js';
import { bareAgain, floor } from './variants.js';

/** A series of values for each generation of processes. */
export type Generations = readonly (readonly number[])[];

export interface Compared {
  readonly absolute: Figures;
  readonly difference: Figures;
  /** Median of the differences in each generation. */
  readonly generations: readonly number[];
  /** Each start of a process has a bias of its own, so generations are the sample, not blocks. */
  readonly ofGenerations: Mean;
}

export function compare(own: Generations, bare: Generations): Compared {
  const perGeneration = own.map((series, index) => differences(series, bare[index] ?? []));
  const medians = perGeneration.map((series) => figures(series).median);
  return {
    absolute: figures(own.flat()),
    difference: figures(perGeneration.flat()),
    generations: medians,
    ofGenerations: meanOf(medians),
  };
}

export interface VariantSummary {
  readonly name: string;
  /** Why it does not count; null: it does. */
  readonly void: string | null;
  readonly process: Compared;
  /** Null where the system does not tell. */
  readonly mainThread: Compared | null;
  /** What it costs in shares of what the floor costs; null where the floor cannot be told from noise. */
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

function processOf(blocks: VariantBlocks['series']): Generations {
  return blocks.map((generation) => generation.map(({ processMicros }) => processMicros));
}

function mainOf(blocks: VariantBlocks['series']): Generations | null {
  const series = blocks.map((generation) => generation.flatMap(({ mainMicros }) => mainMicros ?? []));
  return series.every((generation, index) => generation.length === blocks[index]?.length) ? series : null;
}
