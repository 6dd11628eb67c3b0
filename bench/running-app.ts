// A running application of one variant: sends it load, reads its CPU, and waits until its spans have arrived.
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProcess } from './child-process.js';
import type { Outcome } from './load/connections.js';
import type { LoadSetup } from './load-setup.js';
import type { Arrived } from './receivers/receiver.js';
import type { Variant } from './variants.js';

/** An application and the request that it gets. */
export interface AppCase {
  readonly title: string;
  /** A file in bench/apps. */
  readonly file: string;
  readonly path: string;
  /** Whether it makes a request for each request that it serves. */
  readonly calls: boolean;
  /** The number of manual spans of each request. */
  readonly children?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}

export interface Cpu {
  readonly processMicros: number;
  /** Null where the system does not report it. */
  readonly mainMicros: number | null;
}

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const readyTimeoutMs = 30_000;
const deliveryTimeoutMs = 20_000;
/** Longer than the interval at which any tracer without a flush sends. */
const settleWithoutFlushMs = 3000;
const settleAfterFlushMs = 50;

export class RunningApp {
  readonly variant: Variant;
  /** Why nothing that is measured here counts; null when it does. */
  void: string | null = null;
  readonly #loadSetup: LoadSetup;
  readonly #appCase: AppCase;
  readonly #app: ChildProcess;
  readonly #receiver: ChildProcess | null;
  readonly #port: number;
  /** The spans that had arrived before the first request that counts. */
  #before: Arrived = { entries: 0, exits: 0, others: 0, isKnown: false };
  #sent = 0;

  private constructor(
    own: { variant: Variant; appCase: AppCase; loadSetup: LoadSetup },
    children: { app: ChildProcess; receiver: ChildProcess | null; port: number },
  ) {
    this.variant = own.variant;
    this.#appCase = own.appCase;
    this.#loadSetup = own.loadSetup;
    this.#app = children.app;
    this.#receiver = children.receiver;
    this.#port = children.port;
  }

  /** Resolves when the application serves and its tracer delivers. `launcher` is a command that runs Node.js. */
  static async start(
    variant: Variant,
    appCase: AppCase,
    loadSetup: LoadSetup,
    launcher: readonly string[] = [],
  ): Promise<RunningApp> {
    const receiver =
      variant.protocol === null
        ? null
        : new ChildProcess('build/bench/receivers/receiver-process.js', { env: { RECEIVER: variant.protocol } });
    const receiverPort = receiver === null ? 0 : await receiver.port();
    const app = new ChildProcess(`bench/apps/${appCase.file}`, {
      env: {
        ...variant.env(receiverPort),
        DOWNSTREAM_URL: `http://127.0.0.1:${loadSetup.downstreamPort}`,
        ...appCase.env,
      },
      nodeArguments: [...variant.preload, ...(appCase.nodeArguments ?? [])],
      launcher,
    });
    const running = new RunningApp({ variant, appCase, loadSetup }, { app, receiver, port: await app.port() });
    try {
      await running.#getReady();
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  /** Some tracers make no spans before they have found their receiver. */
  async #getReady(): Promise<void> {
    if (this.#receiver === null) return;
    const deadline = performance.now() + readyTimeoutMs;
    const { head } = this.variant;
    while (performance.now() < deadline) {
      const plan = { port: this.#port, path: this.#appCase.path, requests: 1, rate: null };
      await this.#loadSetup.send({ ...plan, head });
      const { canFlush } = await this.flush();
      const { entries, isKnown } = await this.#arrived();
      if (entries > 0 || (!this.variant.makesSpans && isKnown)) {
        await sleep(canFlush ? settleAfterFlushMs : settleWithoutFlushMs);
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

  /** Sends load; without a rate, as fast as the application responds. */
  async send(requests: number, rate: number | null = null): Promise<Outcome> {
    const { path } = this.#appCase;
    this.#sent += requests;
    return this.#loadSetup.send({ port: this.#port, path, head: this.variant.head, requests, rate });
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

  /** Memory after a garbage collection; the application needs --expose-gc. */
  memoryCollected(): Promise<Memory> {
    return this.#app.ask<Memory>('collect');
  }

  flush(): Promise<{ canFlush: boolean }> {
    return this.#app.ask<{ canFlush: boolean }>('flush');
  }

  /** Resolves when the receiver has counted the spans of every request; when one is missing, the application is void. */
  async delivered(): Promise<void> {
    if (this.#receiver === null || this.void !== null) return;
    const { makesSpans } = this.variant;
    const wanted = makesSpans ? this.#sent : 0;
    const deadline = performance.now() + deliveryTimeoutMs;
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

/** Starts one application of each variant. When one fails to start, the others are stopped. */
export async function startApps(
  variants: readonly Variant[],
  appCase: AppCase,
  loadSetup: LoadSetup,
): Promise<RunningApp[]> {
  const apps: RunningApp[] = [];
  try {
    for (const variant of variants) apps.push(await RunningApp.start(variant, appCase, loadSetup));
  } catch (error) {
    await stopApps(apps);
    throw error;
  }
  return apps;
}

export async function stopApps(apps: readonly RunningApp[]): Promise<void> {
  await Promise.all(apps.map((app) => app.stop()));
}
