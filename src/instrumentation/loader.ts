// Watches for modules as they are loaded and hands each to the instrumentations that know it.
import * as diagnosticsChannel from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { isBuiltin, syncBuiltinESMExports } from 'node:module';
import { join, sep } from 'node:path';
import { Hook } from 'require-in-the-middle';
import type { IgnorePolicy } from '../spans/ignore-policy.js';
import type { ChannelInstrumentation, Instrumentation, InstrumentationContext } from './instrumentation.js';
import { notWritable, type Undo } from './wrap-method.js';

export type ModuleState = 'patched' | 'not-loaded' | 'unsupported' | 'loaded-too-early' | 'disabled' | 'failed';

export interface ModuleStatus {
  readonly name: string;
  readonly version: string | null;
  readonly state: ModuleState;
}

export interface LoaderDependencies {
  readonly tools: InstrumentationContext;
  /** Those that the bootstrap asks for. */
  readonly instrumentations: readonly Instrumentation[];
  readonly channels: readonly ChannelInstrumentation[];
  /** All that there are: the others show as disabled. */
  readonly known: readonly { readonly name: string; readonly module?: string }[];
}

/**
 * Modules of Node.js that are patched when somebody loads them: with `https` comes `tls`, half of what a start costs on Node.js 24.
 * `http` is there before, since nothing may be missed of a server.
 */
const onDemand: ReadonlySet<string> = new Set(['https']);

/** What the loader of ES modules is told about. */
export type ModuleHook = (exports: unknown, module: string, folder: string | undefined) => unknown;

/** Patches what is loaded from now on; `stop` puts everything back. */
export class Loader {
  readonly #dependencies: LoaderDependencies;
  readonly #status: Map<string, ModuleStatus> = new Map();
  readonly #undo: Undo[] = [];
  readonly #versions: Map<string, string | null> = new Map();
  readonly #byModule: Map<string, Instrumentation[]> = new Map();
  /** By name; those that were off from the start have none, and stay off. */
  readonly #states: Map<string, { readonly group: string | undefined; isDisabled: boolean }> = new Map();

  /** Those that nobody has loaded yet. */
  #pending: readonly string[] = [];
  /** How many modules of Node.js were loaded when that was last looked at. */
  #loadedCount = 0;

  constructor(dependencies: LoaderDependencies) {
    this.#dependencies = dependencies;
    for (const { name } of dependencies.known) this.#status.set(name, { name, version: null, state: 'disabled' });
    for (const instrumentation of [...dependencies.instrumentations, ...dependencies.channels]) {
      this.#states.set(instrumentation.name, { group: instrumentation.group, isDisabled: false });
      this.#status.set(instrumentation.name, { name: instrumentation.name, version: null, state: 'not-loaded' });
    }
    for (const instrumentation of dependencies.instrumentations) {
      const list = this.#byModule.get(instrumentation.module);
      if (list === undefined) this.#byModule.set(instrumentation.module, [instrumentation]);
      else list.push(instrumentation);
    }
  }

  /** Names of the packages, and files in packages, that are watched for. */
  get packages(): readonly string[] {
    return [...this.#byModule.keys()].filter((name) => !isBuiltin(name));
  }

  start(): void {
    for (const channel of this.#dependencies.channels) this.#subscribe(channel, this.#toolsOf(channel.name));
    const builtins = [...this.#byModule.keys()].filter((name) => isBuiltin(name));
    this.#pending = builtins.filter((name) => onDemand.has(name) && !isLoaded(name));
    const present = builtins.filter((name) => !this.#pending.includes(name));
    for (const name of present) this.patch(require(name), name, undefined);
    // ES modules that import from `http` see copies of its exports, made again by this call.
    if (present.length > 0) syncBuiltinESMExports();
    const packages = this.packages;
    const names = [...packages, ...this.#pending];
    if (names.length === 0) return;
    this.#noteLoadedTooEarly(packages);
    const hook = new Hook(names, { internals: false }, (exports, name, folder) => {
      if (isBuiltin(name)) {
        if (folder === undefined) this.#onLoaded(name, exports);
        return exports;
      }
      // The hook's type says that the same type comes back; a replaced module is what it allows.
      return this.patch(exports, name, folder) as typeof exports;
    });
    this.#undo.push(() => hook.unhook());
    this.#patchLoaded();
  }

  /**
   * Patches what has been loaded in a way that no hook hears of: an ES module imports Node.js' own without `require`. Called when a span
   * starts, since calls matter from there on, and each second. Never throws.
   */
  patchLoadedBuiltins(): void {
    if (this.#pending.length === 0) return;
    const count = loadedBuiltins().length;
    if (count === this.#loadedCount) return;
    this.#loadedCount = count;
    for (const name of this.#pending) if (isLoaded(name)) this.#load(name);
  }

  /** Loads and patches what is still awaited, if `url` is its own: for hooks that hear of an import before it happens. Never throws. */
  patchBeforeImport(url: string): void {
    if (this.#pending.length === 0) return;
    const name = url.startsWith('node:') ? url.slice('node:'.length) : url;
    if (this.#pending.includes(name)) this.#load(name);
  }

  /** Loads and patches all that is still awaited: for ES modules of which no hook is heard in time. */
  patchAllPending(): void {
    for (const name of this.#pending) this.#load(name);
  }

  stop(): void {
    this.#pending = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        undo();
      } catch (error) {
        this.#dependencies.tools.errors.record('undoing a patch', error);
      }
    }
    syncBuiltinESMExports();
  }

  status(): ModuleStatus[] {
    return [...this.#status.values()].map((status) =>
      this.#states.get(status.name)?.isDisabled === true ? { ...status, state: 'disabled' } : status,
    );
  }

  /** Switches patched modules off, or on again; nothing is patched or put back. */
  use({ isDisabled: isSwitchedOff }: IgnorePolicy): void {
    for (const [name, state] of this.#states) state.isDisabled = isSwitchedOff(name, state.group);
  }

  #toolsOf(name: string): InstrumentationContext {
    const { tools } = this.#dependencies;
    return { ...tools, state: this.#states.get(name) ?? tools.state };
  }

  /** Patches one loaded module, if it is known; returns what is to be used in its place. Never throws. */
  patch(exports: unknown, module: string, folder: string | undefined): unknown {
    let result = exports;
    for (const instrumentation of this.#byModule.get(module.replaceAll('\\', '/')) ?? []) {
      const { name } = instrumentation;
      try {
        const version = folder === undefined ? process.versions.node : this.#versionOf(folder);
        if (!supports(instrumentation, version)) {
          this.#refuse(name, version);
          continue;
        }
        const patched = instrumentation.patch(result, this.#toolsOf(name), { folder });
        for (const undo of patched.undo) if (undo !== null) this.#undo.push(undo);
        if (patched.exports !== undefined) result = patched.exports;
        if (patched.undo.includes(notWritable)) {
          this.#note(name, version, 'failed', module === name);
          this.#dependencies.tools.log.warnOnce(
            `refused ${name}`,
            `functions of ${name} are frozen and cannot be traced; start the sensor first: node -r @instana/ts-sensor/bootstrap`,
          );
          continue;
        }
        const done = patched.undo.some((undo) => undo !== null) || patched.exports !== undefined;
        this.#note(name, version, done ? 'patched' : 'failed', module === name);
      } catch (error) {
        this.#note(name, null, 'failed');
        this.#dependencies.tools.errors.record(`patching ${module}`, error);
      }
    }
    return result;
  }

  #load(name: string): void {
    this.#pending = this.#pending.filter((other) => other !== name); // before hooks hear of it
    try {
      this.#patchBuiltin(name, require(name));
    } catch (error) {
      this.#dependencies.tools.errors.record(`loading ${name}`, error);
    }
  }

  /** A module of Node.js is there now, which the application may have patched before. */
  #onLoaded(name: string, exports: unknown): void {
    if (!this.#pending.includes(name)) return;
    this.#pending = this.#pending.filter((other) => other !== name);
    this.#patchBuiltin(name, exports);
  }

  #patchBuiltin(name: string, exports: unknown): void {
    this.patch(exports, name, undefined);
    try {
      syncBuiltinESMExports();
    } catch (error) {
      this.#dependencies.tools.errors.record(`patching ${name}`, error);
    }
  }

  #subscribe({ name, channels }: ChannelInstrumentation, tools: InstrumentationContext): void {
    for (const [channel, listener] of Object.entries(channels(tools))) {
      diagnosticsChannel.subscribe(channel, listener);
      this.#undo.push(() => diagnosticsChannel.unsubscribe(channel, listener));
    }
    this.#note(name, process.versions.node, 'patched');
  }

  #note(name: string, version: string | null, state: ModuleState, isPackage = true): void {
    const before = this.#status.get(name);
    // Several files of one package count as one: a file that is fine does not hide one that is not.
    if (before?.state === 'failed' || before?.state === 'loaded-too-early') return;
    this.#status.set(name, { name, version: isPackage ? version : (before?.version ?? null), state });
  }

  #refuse(name: string, version: string | null): void {
    this.#note(name, version, 'unsupported');
    this.#dependencies.tools.log.warnOnce(
      `unsupported ${name} ${version}`,
      `${name} ${version ?? 'of unknown version'} is not supported and left alone; its requests are traced as HTTP`,
    );
  }

  #noteLoadedTooEarly(packages: readonly string[]): void {
    const loaded = Object.keys(require.cache);
    for (const module of packages) {
      if (this.#byModule.get(module)?.some(({ name }) => this.#isPatchedLate(name)) === true) continue;
      const part = `${join('node_modules', module)}`;
      const file = loaded.find((path) => path.includes(part + (module.includes('/lib/') ? '' : '/')));
      const name = this.#byModule.get(module)?.[0]?.name;
      if (file === undefined || name === undefined) continue;
      this.#status.set(name, { name, version: null, state: 'loaded-too-early' });
      this.#dependencies.tools.log.warnOnce(
        `early ${name}`,
        `${name} was loaded before the sensor and is not traced; start the sensor first: node -r @instana/ts-sensor/bootstrap`,
      );
    }
  }

  #isPatchedLate(name: string): boolean {
    return this.#dependencies.instrumentations.some((other) => other.name === name && other.mainFile !== undefined);
  }

  /** Patches copies that were loaded before, where that makes no difference. */
  #patchLoaded(): void {
    for (const { module, mainFile } of this.#dependencies.instrumentations) {
      if (mainFile === undefined) continue;
      const end = join(sep, 'node_modules', module, mainFile);
      for (const path of Object.keys(require.cache).filter((loaded) => loaded.endsWith(end)))
        this.patch(require.cache[path]?.exports, module, path.slice(0, -mainFile.length - 1));
    }
  }

  #versionOf(folder: string): string | null {
    const known = this.#versions.get(folder);
    if (known !== undefined) return known;
    let version: string | null = null;
    try {
      const { version: text } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
      if (typeof text === 'string') version = text;
    } catch {
      // No package.json: the copy is of unknown version and left alone.
    }
    this.#versions.set(folder, version);
    return version;
  }
}

/** Names such as `NativeModule https`, in the order of loading. Node.js keeps the list, without documenting it; without it all counts as loaded. */
function loadedBuiltins(): readonly string[] {
  const { moduleLoadList } = process as { moduleLoadList?: unknown };
  return Array.isArray(moduleLoadList) ? moduleLoadList : [];
}

function isLoaded(name: string): boolean {
  const list = loadedBuiltins();
  return list.length === 0 || list.includes(`NativeModule ${name}`);
}

function supports({ versions }: Instrumentation, version: string | null): boolean {
  return versions === undefined || (version !== null && versions.includes(Number.parseInt(version, 10)));
}
