// Patches modules as they are loaded: passes each one to its instrumentations.
import * as diagnosticsChannel from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { isBuiltin, syncBuiltinESMExports } from 'node:module';
import { join, sep } from 'node:path';
import { Hook } from 'require-in-the-middle';
import type { IgnorePolicy } from '../spans/ignore-policy.js';
import type { ChannelInstrumentation, Instrumentation, InstrumentationContext } from './instrumentation.js';
import { notWritable, type Undo } from './wrap-method.js';

/** What `status()` says about a module. */
export type ModuleState = 'patched' | 'not-loaded' | 'unsupported' | 'loaded-too-early' | 'disabled' | 'failed';

/** A module in `status()`. */
export interface ModuleStatus {
  readonly name: string;
  readonly version: string | null;
  readonly state: ModuleState;
}

/** The context of the instrumentations, and which of them to use. */
export interface LoaderDependencies {
  readonly context: InstrumentationContext;
  /** The instrumentations that the bootstrap selects. */
  readonly instrumentations: readonly Instrumentation[];
  readonly channels: readonly ChannelInstrumentation[];
  /** All instrumentations. Those that are not selected appear as disabled. */
  readonly known: readonly { readonly name: string; readonly module?: string }[];
}

/**
 * Modules of Node.js that are patched only when the application loads them. `https` loads `tls`, which is half of the start-up cost on
 * Node.js 24. `http` is loaded and patched at once, so that no server is missed.
 */
const onDemand: ReadonlySet<string> = new Set(['https']);

/** Called by the hooks for ES modules. Returns what is used in place of the exports. */
export type ModuleHook = (exports: unknown, module: string, folder: string | undefined) => unknown;

/** Patches modules that are loaded from now on. `stop` restores everything. */
export class Loader {
  readonly #dependencies: LoaderDependencies;
  readonly #status: Map<string, ModuleStatus> = new Map();
  readonly #undo: Undo[] = [];
  readonly #versions: Map<string, string | null> = new Map();
  readonly #byModule: Map<string, Instrumentation[]> = new Map();
  /** By name. Instrumentations that were disabled at the start have no state and stay disabled. */
  readonly #states: Map<string, { readonly group: string | undefined; isDisabled: boolean }> = new Map();

  /** Modules on demand that the application has not loaded yet. */
  #pending: readonly string[] = [];
  /** The number of loaded modules of Node.js at the last check. */
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

  /** The packages, and files in packages, that are patched. */
  get packages(): readonly string[] {
    return [...this.#byModule.keys()].filter((name) => !isBuiltin(name));
  }

  /** Patches `http` and what has been loaded, and installs the hook for everything else. */
  start(): void {
    for (const channel of this.#dependencies.channels) this.#subscribe(channel, this.#contextOf(channel.name));
    const builtins = [...this.#byModule.keys()].filter((name) => isBuiltin(name));
    this.#pending = builtins.filter((name) => onDemand.has(name) && !isLoaded(name));
    const present = builtins.filter((name) => !this.#pending.includes(name));
    for (const name of present) this.patch(require(name), name, undefined);
    // ES modules that import from `http` see copies of its exports, which this call renews.
    if (present.length > 0) syncBuiltinESMExports();
    const packages = this.packages;
    const names = [...packages, ...this.#pending];
    if (names.length === 0) return;
    this.#warnLoadedTooEarly(packages);
    const hook = new Hook(names, { internals: false }, (exports, name, folder) => {
      if (isBuiltin(name)) {
        if (folder === undefined) this.#onLoaded(name, exports);
        return exports;
      }
      // The type of the hook demands the same type, but any module is allowed.
      return this.patch(exports, name, folder) as typeof exports;
    });
    this.#undo.push(() => hook.unhook());
    this.#patchLoaded();
  }

  /**
   * Patches modules that were loaded without a hook noticing: an ES module imports modules of Node.js without `require`. Called when a
   * span starts, because calls matter from then on, and each second. Never throws.
   */
  patchLoadedBuiltins(): void {
    if (this.#pending.length === 0) return;
    const count = loadedBuiltins().length;
    if (count === this.#loadedCount) return;
    this.#loadedCount = count;
    for (const name of this.#pending) if (isLoaded(name)) this.#load(name);
  }

  /** Loads and patches the pending module of this `url`: for hooks that are called before an import. Never throws. */
  patchBeforeImport(url: string): void {
    if (this.#pending.length === 0) return;
    const name = url.startsWith('node:') ? url.slice('node:'.length) : url;
    if (this.#pending.includes(name)) this.#load(name);
  }

  /** Loads and patches all pending modules: for ES modules if no hook is called in time. */
  patchAllPending(): void {
    for (const name of this.#pending) this.#load(name);
  }

  /** Restores everything that was patched. */
  stop(): void {
    this.#pending = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        undo();
      } catch (error) {
        this.#dependencies.context.errors.record('undoing a patch', error);
      }
    }
    syncBuiltinESMExports();
  }

  /** The modules of all instrumentations. */
  status(): ModuleStatus[] {
    return [...this.#status.values()].map((status) =>
      this.#states.get(status.name)?.isDisabled === true ? { ...status, state: 'disabled' } : status,
    );
  }

  /** Disables or enables instrumentations by policy. Nothing is patched or restored. */
  use({ isDisabled: isSwitchedOff }: IgnorePolicy): void {
    for (const [name, state] of this.#states) state.isDisabled = isSwitchedOff(name, state.group);
  }

  #contextOf(name: string): InstrumentationContext {
    const { context } = this.#dependencies;
    return { ...context, state: this.#states.get(name) ?? context.state };
  }

  /** Patches a module if an instrumentation knows it. Returns what is used in place of its exports. Never throws. */
  patch(exports: unknown, module: string, folder: string | undefined): unknown {
    let result = exports;
    for (const instrumentation of this.#byModule.get(module.replaceAll('\\', '/')) ?? []) {
      const { name } = instrumentation;
      try {
        const version = folder === undefined ? process.versions.node : this.#versionOf(folder);
        if (!supports(instrumentation, version)) {
          this.#setUnsupported(name, version);
          continue;
        }
        const patched = instrumentation.patch(result, this.#contextOf(name), { folder });
        for (const undo of patched.undo) if (undo !== null) this.#undo.push(undo);
        if (patched.exports !== undefined) result = patched.exports;
        if (patched.undo.includes(notWritable)) {
          this.#setStatus(name, version, 'failed', module === name);
          this.#dependencies.context.log.warnOnce(
            `refused ${name}`,
            `functions of ${name} are frozen and cannot be traced; start the sensor first: node -r @instana/ts-sensor/bootstrap`,
          );
          continue;
        }
        const done = patched.undo.some((undo) => undo !== null) || patched.exports !== undefined;
        this.#setStatus(name, version, done ? 'patched' : 'failed', module === name);
      } catch (error) {
        this.#setStatus(name, null, 'failed');
        this.#dependencies.context.errors.record(`patching ${module}`, error);
      }
    }
    return result;
  }

  #load(name: string): void {
    this.#pending = this.#pending.filter((other) => other !== name); // first, because loading calls the hooks
    try {
      this.#patchBuiltin(name, require(name));
    } catch (error) {
      this.#dependencies.context.errors.record(`loading ${name}`, error);
    }
  }

  /** The application has loaded a pending module of Node.js. */
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
      this.#dependencies.context.errors.record(`patching ${name}`, error);
    }
  }

  #subscribe({ name, channels }: ChannelInstrumentation, context: InstrumentationContext): void {
    const onUndo = (undo: Undo): void => void this.#undo.push(undo);
    for (const [channel, listener] of Object.entries(channels(context, onUndo))) {
      diagnosticsChannel.subscribe(channel, listener);
      this.#undo.push(() => diagnosticsChannel.unsubscribe(channel, listener));
    }
    this.#setStatus(name, process.versions.node, 'patched');
  }

  #setStatus(name: string, version: string | null, state: ModuleState, isPackage = true): void {
    const before = this.#status.get(name);
    // Several files of one package share a status, and a patched file does not hide a failed one.
    if (before?.state === 'failed' || before?.state === 'loaded-too-early') return;
    this.#status.set(name, { name, version: isPackage ? version : (before?.version ?? null), state });
  }

  #setUnsupported(name: string, version: string | null): void {
    this.#setStatus(name, version, 'unsupported');
    this.#dependencies.context.log.warnOnce(
      `unsupported ${name} ${version}`,
      `${name} ${version ?? 'of unknown version'} is not supported and left alone; its requests are traced as HTTP`,
    );
  }

  #warnLoadedTooEarly(packages: readonly string[]): void {
    const loaded = Object.keys(require.cache);
    for (const module of packages) {
      if (this.#byModule.get(module)?.some(({ name }) => this.#isPatchedLate(name)) === true) continue;
      const part = `${join('node_modules', module)}`;
      const file = loaded.find((path) => path.includes(part + (module.includes('/lib/') ? '' : '/')));
      const name = this.#byModule.get(module)?.[0]?.name;
      if (file === undefined || name === undefined) continue;
      this.#status.set(name, { name, version: null, state: 'loaded-too-early' });
      this.#dependencies.context.log.warnOnce(
        `early ${name}`,
        `${name} was loaded before the sensor and is not traced; start the sensor first: node -r @instana/ts-sensor/bootstrap`,
      );
    }
  }

  #isPatchedLate(name: string): boolean {
    return this.#dependencies.instrumentations.some((other) => other.name === name && other.mainFile !== undefined);
  }

  /** Patches copies that were loaded before the sensor, for instrumentations that allow it. */
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
      // Without a package.json the version is unknown, and the copy is not patched.
    }
    this.#versions.set(folder, version);
    return version;
  }
}

/** Names such as `NativeModule https`, in the order of loading. The list is undocumented; without it every module counts as loaded. */
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
