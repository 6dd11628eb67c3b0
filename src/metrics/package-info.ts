// Reads the application's package.json and the versions of its installed packages, in small steps.
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../core/clock.js';
import { redactUrls } from '../redaction/command-line.js';

// `node:fs/promises` would load more than 100 KB that the application may never need.
const readdir = promisify(fs.readdir);
const readFile = promisify(fs.readFile);
const realpath = promisify(fs.realpath);
const stat = promisify(fs.stat);

/** Attributes of the application; absent ones are unknown. */
export interface PackageInfo {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly directDependencies: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}

/** The value before anything has been read. */
export const unknownPackage: PackageInfo = Object.freeze({
  keywords: [],
  dependencies: {},
  directDependencies: { dependencies: {}, peerDependencies: {}, optionalDependencies: {} },
});

const maxDependencies = 750;
const stepsPerTurn = 5;
const turnMs = 25;
const maxFileLength = 1024 * 1024;
/** Parsing two megabytes takes about 20 ms. */
const maxLockLength = 2 * 1024 * 1024;
/** npm writes its lockfile after the last package, but the folder's own time may be slightly later. */
const lockToleranceMs = 1000;

/** Reads the attributes once. The work is spread over timers that do not keep the process alive. */
export class PackageInfoReader {
  readonly #packageJsonPath: string | null;
  #steps = 0;
  #isOver = false;

  /** `packageJsonPath` is the configured one, if any. */
  constructor(packageJsonPath: string | null) {
    this.#packageJsonPath = packageJsonPath;
  }

  /** Calls `onRead` with the attributes from package.json, and again with the installed packages. */
  async read(onRead: (application: PackageInfo) => void): Promise<void> {
    const main = mainModulePath();
    const path = this.#packageJsonPath ?? (main === null ? null : await this.#findPackageJson(main));
    const manifest = path === null ? null : await this.#readJson(path);
    if (path === null || manifest === null) {
      if (main !== null) onRead({ ...unknownPackage, name: main });
      return;
    }
    const application = describe(manifest, main);
    onRead(application);
    const dependencies = await this.#readDependencies(dirname(path));
    if (!this.#isOver) onRead({ ...application, dependencies });
  }

  /** Stops at the next step. */
  stop(): void {
    this.#isOver = true;
  }

  async #findPackageJson(main: string): Promise<string | null> {
    let directory = await startDirectory(main);
    for (;;) {
      const path = join(directory, 'package.json');
      const manifest = await this.#readJson(path);
      // A package.json with neither only sets the module type of its folder.
      if (typeof manifest?.['name'] === 'string' || typeof manifest?.['dependencies'] === 'object') return path;
      const parent = dirname(directory);
      if (parent === directory || this.#isOver) return null;
      directory = parent;
    }
  }

  async #readDependencies(directory: string): Promise<Record<string, string>> {
    const modules = await this.#findModules(directory);
    if (modules === null) return {};
    const listed = await this.#readLock(modules);
    if (listed !== null) return listed;
    const near = await this.#list(modules);
    const nearest = await this.#readVersions(chooseNearest(near), new Map());
    if (near.length >= maxDependencies) return Object.fromEntries(nearest);
    const far: Installed[] = [];
    for (const { directory: owner } of near) far.push(...(await this.#list(join(owner, 'node_modules'))));
    const unseen = far.filter(({ name }) => !nearest.has(name));
    return Object.fromEntries(await this.#readVersions(unseen, nearest));
  }

  /**
   * Reads npm's hidden lockfile (https://docs.npmjs.com/cli/configuring-npm/package-lock-json#hidden-lockfiles),
   * which replaces one file per package. Null if there is none, or if the folder has changed since.
   */
  async #readLock(modules: string): Promise<Record<string, string> | null> {
    const path = join(modules, '.package-lock.json');
    const [listed, folder] = [await modifiedMs(path), await modifiedMs(modules)];
    if (listed === null || folder === null || folder > listed + lockToleranceMs) return null;
    const packages = (await this.#readJson(path, maxLockLength))?.['packages'];
    return typeof packages === 'object' && packages !== null ? chooseListed(packages as Listed) : null;
  }

  /** The closest `node_modules` upwards, since workspaces keep packages at their root; null if there is none. */
  async #findModules(directory: string): Promise<string | null> {
    for (let current = directory; !this.#isOver; current = dirname(current)) {
      await this.#step();
      const modules = join(current, 'node_modules');
      if (await isDirectory(modules)) return modules;
      if (dirname(current) === current) return null;
    }
    return null;
  }

  async #list(modules: string): Promise<Installed[]> {
    const installed: Installed[] = [];
    for (const name of await this.#names(modules)) {
      if (!name.startsWith('@')) installed.push({ name, directory: join(modules, name) });
      else {
        for (const inner of await this.#names(join(modules, name))) {
          installed.push({ name: `${name}/${inner}`, directory: join(modules, name, inner) });
        }
      }
    }
    return installed;
  }

  async #names(directory: string): Promise<string[]> {
    await this.#step();
    try {
      return (await readdir(directory)).filter((name) => !name.startsWith('.'));
    } catch {
      return []; // most packages have no nested packages
    }
  }

  /** Adds to `versions` up to the limit. Instana's packages are always added. */
  async #readVersions(installed: readonly Installed[], versions: Map<string, string>): Promise<Map<string, string>> {
    for (const { name, directory } of installed) {
      if (this.#isOver) break;
      if (versions.size >= maxDependencies && !isSensorPath(name)) continue;
      const version = (await this.#readJson(join(directory, 'package.json')))?.['version'];
      if (typeof version === 'string' && !versions.has(name)) versions.set(name, version);
    }
    return versions;
  }

  async #readJson(path: string, maxLength: number = maxFileLength): Promise<Record<string, unknown> | null> {
    await this.#step();
    try {
      const text = await readFile(path, 'utf8');
      if (text.length > maxLength) return null;
      const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
    } catch {
      return null;
    }
  }

  /** Pauses after every few file operations: a pending one keeps the process alive, an unref'd timer does not. */
  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % stepsPerTurn !== 0) return;
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, turnMs).unref();
    });
  }
}

interface Installed {
  readonly name: string;
  readonly directory: string;
}

function chooseNearest(installed: readonly Installed[]): readonly Installed[] {
  if (installed.length <= maxDependencies) return installed;
  return installed.filter(({ name }, index) => index < maxDependencies || isSensorPath(name));
}

/** The entries of npm's hidden lockfile, by the folder of the package or of a link to it. */
type Listed = Readonly<
  Record<string, { readonly version?: unknown; readonly link?: unknown; readonly resolved?: unknown } | null>
>;

const foldersBefore = 'node_modules/';

/** The top-level packages, then those nested in them, up to the limit. */
function chooseListed(packages: Listed): Record<string, string> {
  const versions: Map<string, string> = new Map();
  for (const depth of [1, 2]) {
    for (const [folder, info] of Object.entries(packages)) {
      const path = folder.split(foldersBefore);
      const name = path.at(-1) ?? '';
      if (path.length !== depth + 1 || path[0] !== '' || versions.has(name)) continue;
      const target = info?.link === true && typeof info.resolved === 'string' ? packages[info.resolved] : info;
      if (versions.size >= maxDependencies && !isSensorPath(name)) continue;
      if (typeof target?.version === 'string') versions.set(name, target.version);
    }
  }
  return Object.fromEntries(versions);
}

function isSensorPath(name: string): boolean {
  return name.includes('instana');
}

/** Null in a REPL and with `-e`. Not `require.main`, which is missing for ES modules and if the sensor was loaded first. */
function mainModulePath(): string | null {
  return process.mainModule?.filename ?? process.argv[1] ?? null;
}

async function startDirectory(main: string): Promise<string> {
  const path = await realpath(main).catch(() => main);
  return (await isDirectory(path)) ? path : dirname(path);
}

async function modifiedMs(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => null,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function describe(manifest: Record<string, unknown>, main: string | null): PackageInfo {
  const { name, version, description, keywords } = manifest;
  const known = typeof name === 'string' ? name : main;
  return {
    ...(known === null ? {} : { name: known }),
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof description === 'string' ? { description: redactUrls(description) } : {}),
    keywords: Array.isArray(keywords) ? keywords.filter((word) => typeof word === 'string') : [],
    dependencies: {},
    directDependencies: {
      dependencies: ranges(manifest['dependencies']),
      peerDependencies: ranges(manifest['peerDependencies']),
      optionalDependencies: ranges(manifest['optionalDependencies']),
      ...(typeof name === 'string' && typeof version === 'string' ? { [name]: version } : {}),
    },
  };
}

function ranges(section: unknown): Record<string, string> {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return {};
  return Object.fromEntries(
    Object.entries(section).flatMap(([name, range]) => (typeof range === 'string' ? [[name, redactUrls(range)]] : [])),
  );
}
