// Pair mode: applications that live at the same time get the same load in turn, in short blocks, so that whatever else the machine
// does hits all alike; what counts is the difference to the bare application of the same round.
import type { RunningApp } from './running-app.js';

/** One block of one application; CPU is for each request, from before the block until its spans have arrived. */
export interface Block {
  readonly processMicros: number;
  readonly mainMicros: number | null;
  readonly requestsPerSecond: number;
}

/** Everybody stands once at every place, and behind different neighbours. */
export function turn<Thing>(things: readonly Thing[], round: number): Thing[] {
  const start = round % things.length;
  const turned = [...things.slice(start), ...things.slice(0, start)];
  return Math.floor(round / things.length) % 2 === 0 ? turned : turned.reverse();
}

export async function measureBlock(app: RunningApp, requests: number, rate: number | null = null): Promise<Block> {
  const before = await app.cpu();
  const { tookMs } = await app.send(requests, rate);
  await app.delivered();
  const after = await app.cpu();
  const main = after.mainMicros === null || before.mainMicros === null ? null : after.mainMicros - before.mainMicros;
  return {
    processMicros: (after.processMicros - before.processMicros) / requests,
    mainMicros: main === null ? null : main / requests,
    requestsPerSecond: (requests / tookMs) * 1000,
  };
}

/** Not more than the queues of tracers hold. */
const longestWarmUpBlock = 2000;

/** The first requests of a process cost many times what later ones do. */
export async function warmUp(apps: readonly RunningApp[], requests: number, rate: number | null = null): Promise<void> {
  const blocks = Math.ceil(requests / longestWarmUpBlock);
  for (let block = 0; block < blocks; block++) {
    for (const app of turn(apps, block)) {
      await app.send(Math.ceil(requests / blocks), rate);
      await app.delivered();
    }
  }
}

/** The blocks of each application, in its place, in the order of the rounds. */
export async function measureRounds<Value>(
  apps: readonly RunningApp[],
  rounds: number,
  measure: (app: RunningApp) => Promise<Value>,
): Promise<Value[][]> {
  const series: Map<RunningApp, Value[]> = new Map(apps.map((app) => [app, []]));
  for (let round = 0; round < rounds; round++) {
    for (const app of turn(apps, round)) series.get(app)?.push(await measure(app));
  }
  return [...series.values()];
}
