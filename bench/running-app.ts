// An application of one variant, alive: its load, its CPU, and whether its spans have arrived.
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.js';
import type { Outcome } from './load/connections.js';
import type { Arrived } from './receivers/receiver.js';
import type { Surroundings } from './surroundings.js';
import type { Variant } from './variants.js';

/** What an application is and what it is asked for. */
export interface AppCase {
  readonly title: string;
  /** File in bench/apps. */
  readonly file: string;
  readonly path: string;
  /** Whether it makes a request of its own for each. */
  readonly calls: boolean;
  /** Spans beside those of HTTP that the sensor makes for each request. */
  readonly children?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}

export interface Cpu {
  readonly processMicros: number;
  /** Null where the system does not tell. */
  readonly mainMicros: number | null;
}

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const readyWithinMs = 30_000;
const deliveredWithinMs = 20_000;
/** Longer than any of the tracers that cannot be told to send waits before it does. */
const settledAfterMs = 3000;
const settledByFlushMs = 50;

export class RunningApp {
  readonly variant: Variant;
  /** Why nothing that is measured here counts; null: it does. */
  void: string | null = null;
  readonly #surroundings: Surroundings;
  readonly #appCase: AppCase;
  readonly #app: Child;
  readonly #receiver: Child | null;
  readonly #port: number;
  /** What had arrived before the first request that counts. */
  #before: Arrived = { entries: 0, exits: 0, others: 0, isKnown: false };
  #sent = 0;

  private constructor(
    own: { variant: Variant; appCase: AppCase; surroundings: Surroundings },
    children: { app: Child; receiver: Child | null; port: number },
  ) {
    this.variant = own.variant;
    this.#appCase = own.appCase;
    this.#surroundings = own.surroundings;
    this.#app = children.app;
    this.#receiver = children.receiver;
    this.#port = children.port;
  }

  /** Resolves when the application serves and its tracer delivers; with a launcher that runs Node.js in turn. */
  static async start(
    variant: Variant,
    appCase: AppCase,
    surroundings: Surroundings,
    launcher: readonly string[] = [],
  ): Promise<RunningApp> {
    const receiver =
      variant.protocol === null
        ? null
        : new Child('build/bench/receivers/receiver-process.js', { env: { RECEIVER: variant.protocol } });
    const receiverPort = receiver === null ? 0 : await receiver.port();
    const app = new Child(`bench/apps/${appCase.file}`, {
      env: {
        ...variant.env(receiverPort),
        DOWNSTREAM_URL: `http://127.0.0.1:${surroundings.downstreamPort}`,
        ...appCase.env,
      },
      nodeArguments: [...variant.preload, ...(appCase.nodeArguments ?? [])],
      launcher,
    });
    const running = new RunningApp({ variant, appCase, surroundings }, { app, receiver, port: await app.port() });
    try {
      await running.#getReady();
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  /** Some tracers make no spans before they have found their receiving end. */
  async #getReady(): Promise<void> {
    if (this.#receiver === null) return;
    const deadline = performance.now() + readyWithinMs;
    const { head } = this.variant;
    while (performance.now() < deadline) {
      const order = { port: this.#port, path: this.#appCase.path, requests: 1, rate: null };
      await this.#surroundings.send({ ...order, head });
      const { canFlush } = await this.flush();
      const { entries, isKnown } = await this.#arrived();
      if (entries > 0 || (!this.variant.makesSpans && isKnown)) {
        await sleep(canFlush ? settledByFlushMs : settledAfterMs);
        await this.flush();
        this.#before = await this.#arrived();
        return;
      }
      await sleep(200);
    }
    this.void = 'no span arrived before the first block';
  }

  #arrived(): Promise<Arrived> {
    if (this.#receiver === null) return Promise.resolve(this.#before);
    return this.#receiver.ask<Arrived>('count');
  }

  /** Sends the load of this application; without a rate as fast as it answers. */
  async send(requests: number, rate: number | null = null): Promise<Outcome> {
    const { path } = this.#appCase;
    this.#sent += requests;
    return this.#surroundings.send({ port: this.#port, path, head: this.variant.head, requests, rate });
  }

  get pid(): number | undefined {
    return this.#app.pid;
  }

  cpu(): Promise<Cpu> {
    return this.#app.ask<Cpu>('cpu');
  }

  memory(): Promise<Memory> {
    return this.#app.ask<Memory>('memory');
  }

  /** The same after a garbage collection; the application needs --expose-gc. */
  memoryCollected(): Promise<Memory> {
    return this.#app.ask<Memory>('collect');
  }

  flush(): Promise<{ canFlush: boolean }> {
    return this.#app.ask<{ canFlush: boolean }>('flush');
  }

  /** Resolves when every span of what was sent has been counted at the receiving end; where one is missing, all is void. */
  async delivered(): Promise<void> {
    if (this.#receiver === null || this.void !== null) return;
    const { makesSpans } = this.variant;
    const wanted = makesSpans ? this.#sent : 0;
    const deadline = performance.now() + deliveredWithinMs;
    let isFlushing = true;
    for (;;) {
      if (isFlushing) isFlushing = (await this.flush()).canFlush;
      const found = this.#compare(await this.#arrived(), wanted);
      if (found === null) return;
      if (performance.now() > deadline || found.isTooMany) {
        this.void = found.text;
        return;
      }
      await sleep(20);
    }
  }

  #compare(now: Arrived, wanted: number): { text: string; isTooMany: boolean } | null {
    const entries = now.entries - this.#before.entries;
    const exits = now.exits - this.#before.exits;
    const others = now.others - this.#before.others;
    const wantedExits = this.#appCase.calls ? wanted : 0;
    const wantedOthers = this.#appCase.children === undefined ? null : wanted * this.#appCase.children;
    if (entries === wanted && exits === wantedExits && (wantedOthers === null || others === wantedOthers)) return null;
    const text = `${wanted} entry and ${wantedExits} exit spans wanted, but ${entries} and ${exits} arrived, and ${others} others`;
    return { text, isTooMany: entries > wanted || exits > wantedExits };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#app.stop(), this.#receiver?.stop()]);
  }
}

/** Starts one application of each variant; when one cannot be started, none is left. */
export async function startApps(
  variants: readonly Variant[],
  appCase: AppCase,
  surroundings: Surroundings,
): Promise<RunningApp[]> {
  const apps: RunningApp[] = [];
  try {
    for (const variant of variants) apps.push(await RunningApp.start(variant, appCase, surroundings));
  } catch (error) {
    await stopApps(apps);
    throw error;
  }
  return apps;
}

export async function stopApps(apps: readonly RunningApp[]): Promise<void> {
  await Promise.all(apps.map((app) => app.stop()));
}
