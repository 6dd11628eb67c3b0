// An application of test/apps/twin as a process of its own: with or without the sensor, and what it showed of itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Root of the repository, seen from build/test/scenarios/twin. */
export const root: string = join(__dirname, '../../../..');
const preload = join(root, 'build/src/bootstrap.js');
/** An application that does not listen by then is ended; generous, since the machine may be busy. */
const startWithinMs = 30_000;

export interface AppOptions {
  /** File below test/apps. */
  readonly file: string;
  readonly args?: readonly string[];
  /** Whether the sensor is preloaded. */
  readonly traced: boolean;
  readonly agentPort: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** Opens a channel for messages. */
  readonly channel?: boolean;
}

export interface AppEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Monotonic time at which the end was seen. */
  readonly atMs: number;
}

/** Ends by itself or by `kill`; every test has to await `exited`. */
export class AppProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<AppEnd>;
  port = 0;
  #stdout = '';
  #stderr = '';
  #heard: () => void = () => {};

  private constructor(options: AppOptions) {
    const { file, args = [], traced, agentPort, env = {}, nodeArguments = [], channel = false } = options;
    this.child = spawn(
      process.execPath,
      [...nodeArguments, ...(traced ? ['-r', preload] : []), join(root, 'test/apps', file), ...args],
      {
        cwd: root,
        env: {
          PATH: process.env['PATH'],
          NODE_ENV: 'test',
          INSTANA_AGENT_HOST: '127.0.0.1',
          INSTANA_AGENT_PORT: String(agentPort),
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe', ...(channel ? ['ipc' as const] : [])],
      },
    );
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#heard();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    let atMs = 0;
    this.child.once('exit', () => {
      atMs = performance.now();
    });
    // `close` comes when stdout and stderr have been read to their ends.
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, atMs });
        this.#heard();
      });
    });
  }

  /** Resolves when the application says on which port it listens. */
  static async start(options: AppOptions): Promise<AppProcess> {
    const app = new AppProcess(options);
    await app.#listening(options.file);
    return app;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Without the line that says the port. */
  get stdout(): string {
    return this.#stdout.replace(/^listening \d+\n/m, '');
  }

  /** Without the sensor's own lines. */
  get hostStderr(): string {
    return this.#stderr.replace(/^\[ts-sensor\] .*\n/gm, '');
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Ends the process, if it still runs, by its own signal handler or the hard way. */
  async stop(): Promise<AppEnd> {
    this.child.kill('SIGTERM');
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    const end = await this.exited;
    clearTimeout(hard);
    return end;
  }

  async #listening(file: string): Promise<void> {
    const hard = setTimeout(() => this.child.kill('SIGKILL'), startWithinMs);
    while (this.port === 0) {
      const match = /^listening (\d+)\n/m.exec(this.#stdout);
      if (match !== null) {
        this.port = Number(match[1]);
      } else if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`${file} ended before it listened:\n${this.#stderr}`);
      } else {
        await new Promise<void>((resolve) => {
          this.#heard = resolve;
        });
      }
    }
    clearTimeout(hard);
    this.#heard = () => {};
  }
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
