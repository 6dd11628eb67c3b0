// Applications that run at the same time get the same load in turn, in short blocks, so that everything else on the machine affects
// all of them equally. The figure is the difference to the bare application in the same round.
import type { RunningApp } from './running-app.js';

/** One block of one application. CPU is per request, measured from before the block until its spans have arrived. */
export interface Block {
  readonly processMicros: number;
  readonly mainMicros: number | null;
  readonly requestsPerSecond: number;
}

/** A Latin square: each variant runs in every position. Every other square is reversed, so that neighbours change, too. */
export function rotate<Thing>(things: readonly Thing[], round: number): Thing[] {
  const start = round % things.length;
  const rotated = [...things.slice(start), ...things.slice(0, start)];
  return Math.floor(round / things.length) % 2 === 0 ? rotated : rotated.reverse();
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

/** The queues of the tracers hold at least as many spans. */
const maxWarmUpBlockRequests = 2000;

/** The first requests of a process cost many times as much as later ones. */
export async function warmUp(apps: readonly RunningApp[], requests: number, rate: number | null = null): Promise<void> {
  const blocks = Math.ceil(requests / maxWarmUpBlockRequests);
  for (let block = 0; block < blocks; block++) {
    for (const app of rotate(apps, block)) {
      await app.send(Math.ceil(requests / blocks), rate);
      await app.delivered();
    }
  }
}

/** The values of each application, in the order of the applications and of the rounds. */
export async function measureRounds<Value>(
  apps: readonly RunningApp[],
  rounds: number,
  measure: (app: RunningApp) => Promise<Value>,
): Promise<Value[][]> {
  const series: Map<RunningApp, Value[]> = new Map(apps.map((app) => [app, []]));
  for (let round = 0; round < rounds; round++) {
    for (const app of rotate(apps, round)) series.get(app)?.push(await measure(app));
  }
  return [...series.values()];
}
