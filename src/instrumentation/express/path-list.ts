// Which path of a list a layer has matched, without compiling anything for a request.
import { patternText } from '../route-pattern.js';

/** A layer of Express 4, or of the router package. */
export interface ListLayer {
  /** Express 4 and router 1: the expression of all paths. */
  readonly regexp?: unknown;
  /** Router 2: one function for each path. */
  readonly matchers?: unknown;
  /** What the layer has matched. */
  readonly path?: unknown;
}

/** How a router compiles the paths of a layer. */
export interface PathOptions {
  readonly end: boolean;
  readonly strict: boolean;
  readonly sensitive: boolean;
}

type LayerClass = new (path: unknown, options: PathOptions, handle: () => void) => ListLayer;
type Matcher = (path: string) => unknown;

/** The paths of a group are tried one by one only if the expression of the whole group matches. */
const groupSize = 16;

/** Expressions of single paths, and of groups of them. */
class CompiledPaths {
  readonly #paths: readonly RegExp[];
  readonly #groups: readonly RegExp[];

  /** The layer's own class compiles the paths, so that they match as its own do. */
  constructor(layer: ListLayer, paths: readonly unknown[], options: PathOptions) {
    const { constructor: LayerClass } = Object.getPrototypeOf(layer) as { constructor: LayerClass };
    const compile = (some: readonly unknown[]): RegExp => {
      const { regexp } = new LayerClass(some, options, () => {});
      return regexp instanceof RegExp ? regexp : /$^/;
    };
    this.#paths = paths.map((path) => compile([path]));
    const groups: RegExp[] = [];
    for (let start = 0; start < paths.length; start += groupSize)
      groups.push(compile(paths.slice(start, start + groupSize)));
    this.#groups = groups;
  }

  /** The index of the first path that matches; -1 if none does. */
  find(matched: string): number {
    for (let group = 0; group < this.#groups.length; group++) {
      if (this.#groups[group]?.test(matched) !== true) continue;
      const start = group * groupSize;
      for (let index = start; index < start + groupSize; index++)
        if (this.#paths[index]?.test(matched) === true) return index;
    }
    return -1;
  }
}

/** The paths of one layer. Compiled when the layer first runs, because the layer does not exist before. */
export class PathList {
  readonly #paths: readonly unknown[];
  readonly #texts: readonly string[];
  readonly #options: PathOptions;
  #compiled: CompiledPaths | null = null;

  constructor(paths: readonly unknown[], options: PathOptions) {
    this.#paths = paths;
    this.#texts = paths.map(patternText);
    this.#options = options;
  }

  /** The pattern of a path of the list. */
  textOf(path: unknown): string {
    const index = this.#paths.indexOf(path);
    return this.#texts[index] ?? patternText(path);
  }

  /** The pattern of the first path that matches what `layer` has matched; that of the first one if none does. */
  matchedText(layer: ListLayer): string {
    const { path, matchers } = layer;
    if (typeof path !== 'string') return this.#texts[0] ?? '';
    const matched = path === '' ? '/' : path;
    const index = Array.isArray(matchers)
      ? matchers.findIndex((matches) => typeof matches === 'function' && Boolean((matches as Matcher)(matched)))
      : this.#find(layer, matched);
    return this.#texts[index] ?? this.#texts[0] ?? '';
  }

  #find(layer: ListLayer, matched: string): number {
    if (!(layer.regexp instanceof RegExp)) return -1;
    this.#compiled ??= new CompiledPaths(layer, this.#paths, this.#options);
    return this.#compiled.find(matched);
  }
}
