// Starts a host app of test/apps as a process of its own, with or without the sensor, and ends it again.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** How the sensor comes in: not at all, by `node -r`, or by `node --import`. */
export type Loader = 'none' | 'require' | 'import';

/** Root of the repository, seen from build/test/support. */
export const repositoryRoot: string = join(__dirname, '..', '..', '..');
export const appsFolder: string = join(repositoryRoot, 'test', 'apps');

/** The preloads under test. The variables let another sensor stand in, to try the tests themselves. */
const preloads: Record<Exclude<Loader, 'none'>, string> = {
  require: process.env['TS_SENSOR_PRELOAD_REQUIRE'] ?? join(repositoryRoot, 'build', 'src', 'bootstrap.js'),
  import: process.env['TS_SENSOR_PRELOAD_IMPORT'] ?? join(repositoryRoot, 'build', 'src', 'register.mjs'),
};

/** The apps use the public API only of our own sensor. */
const ours =
  process.env['TS_SENSOR_PRELOAD_REQUIRE'] === undefined && process.env['TS_SENSOR_PRELOAD_IMPORT'] === undefined;

export interface AppOptions {
  /** File of the app, relative to test/apps. */
  readonly file: string;
  readonly loader: Loader;
  readonly agentPort: number;
  readonly downstreamUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** Behind the file. */
  readonly args?: readonly string[];
  /** Another Node.js than the one that runs the tests. */
  readonly node?: string;
}

/** What a host noticed about itself: rejections nobody handled, process warnings. */
export interface HostFacts {
  readonly rejections: readonly string[];
  readonly warnings: readonly string[];
}

export interface HostExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface HostApp {
  readonly pid: number;
  /** Port of each app in the host, by case id, or by `id.variant`. */
  readonly ports: Readonly<Record<string, number>>;
  readonly exited: Promise<HostExit>;
  stderr(): string;
  facts(): Promise<HostFacts>;
  /** Lets the host end by itself; kills it by its pid when it does not. */
  stop(): Promise<HostExit>;
}

/** Resolves when the host listens; rejects with what it wrote to stderr when it ends before that. */
export async function runApp(options: AppOptions): Promise<HostApp> {
  const child = start(options);
  const stderr = collect(child.stderr);
  const lines = new Lines(child);
  const exited = new Promise<HostExit>((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  child.stdin.on('error', () => {}); // a host that has ended cannot be told anything
  const failed = exited.then(({ code, signal }) => {
    throw new Error(`${options.file} ended before it listened (${code ?? signal}):\n${stderr()}`);
  });
  failed.catch(() => {}); // later ends are the caller's matter
  const ports = JSON.parse(await Promise.race([lines.next('listening'), failed])) as Record<string, number>;
  return {
    pid: child.pid ?? -1,
    ports,
    exited,
    stderr,
    facts: async () => {
      const answer = lines.next('facts');
      child.stdin.write('facts\n');
      return JSON.parse(await answer) as HostFacts; // serve.cjs writes exactly this
    },
    stop: async () => {
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      child.stdin.end('exit\n');
      const exit = await exited;
      clearTimeout(kill);
      return exit;
    },
  };
}

function start(options: AppOptions): ChildProcessWithoutNullStreams {
  const traced = options.loader !== 'none';
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    NODE_ENV: 'test',
    DOWNSTREAM_URL: options.downstreamUrl ?? 'http://127.0.0.1:9',
    ...(traced ? { INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: String(options.agentPort) } : {}),
    ...(traced && ours ? { TS_SENSOR_TRACED: '1' } : {}),
    ...options.env,
  };
  const args = [
    ...(options.nodeArguments ?? []),
    ...preloadArguments(options.loader),
    join(appsFolder, options.file),
    ...(options.args ?? []),
  ];
  return spawn(options.node ?? process.execPath, args, { env, cwd: appsFolder });
}

function preloadArguments(loader: Loader): string[] {
  if (loader === 'none') return [];
  return loader === 'require' ? ['-r', preloads.require] : ['--import', pathToFileURL(preloads.import).href];
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** Lines of a host's stdout that begin with a known word; other lines are the app's own. */
class Lines {
  readonly #waiting = new Map<string, (rest: string) => void>();
  #buffer = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => this.#take(chunk));
  }

  next(word: string): Promise<string> {
    return new Promise((resolve) => this.#waiting.set(word, resolve));
  }

  #take(chunk: string): void {
    const lines = (this.#buffer + chunk).split('\n');
    this.#buffer = lines.pop() ?? '';
    for (const line of lines) {
      const space = line.indexOf(' ');
      const word = line.slice(0, space);
      const waiting = this.#waiting.get(word);
      this.#waiting.delete(word);
      waiting?.(line.slice(space + 1));
    }
  }
}
