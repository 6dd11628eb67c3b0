// JSON of call stacks, made once for each chain of places in the code: formatting a stack costs more than the rest of its span.

import { TextCache } from '../core/text-cache.js';
import type { CapturedStack } from './span.js';

/** A place in the code, below those that called each other on the way to it: a tree, from the innermost frame outwards. */
class StackNode {
  /** What was made of the stack that ends here. */
  json: string | null = null;
  readonly callers: Map<string, Map<number, StackNode>> = new Map();
}

const maxNodes = 5000;

/**
 * Bounded: when it knows too many places it begins anew. Frames are told apart by script and position, so of a method that several
 * classes inherit, the name that was seen first counts. Where the application formats stacks (`Error.prepareStackTrace`, source
 * maps) it is asked for each stack, as Node.js does.
 */
export class StackCache {
  /** For stacks that are text already: those of errors, and of applications that format themselves. */
  readonly #texts: TextCache;
  #root: StackNode = new StackNode();
  #nodes = 0;
  #json: string | null = null;
  readonly #prepare: (error: Error, sites: NodeJS.CallSite[]) => unknown;

  /** `toJson` makes frames of a stack's text. */
  constructor(toJson: (text: string) => string) {
    this.#texts = new TextCache(toJson, 200, 20_000);
    this.#prepare = (_error, sites) => {
      const place = this.#nodeOf(sites);
      const text = place?.json === null || place === null ? `Error\n    at ${sites.map(String).join('\n    at ')}` : '';
      this.#json = place?.json ?? toJson(text);
      if (place !== null) place.json = this.#json;
      return text;
    };
  }

  /** JSON of the frames; an empty list for what has none. */
  get(holder: CapturedStack): string {
    this.#json = null;
    const stack = this.#read(holder);
    return this.#json ?? (typeof stack === 'string' ? this.#texts.get(stack) : '[]');
  }

  /** V8 formats on the first read; a function of the application's that is called for it may throw. */
  #read(holder: CapturedStack): unknown {
    try {
      if (!isLeftToNode()) return holder.stack;
      const before = Error.prepareStackTrace;
      Error.prepareStackTrace = this.#prepare;
      try {
        return holder.stack;
      } finally {
        Error.prepareStackTrace = before;
      }
    } catch {
      return null;
    }
  }

  /** Null when a frame has no script to be told by, as in code made at run time. */
  #nodeOf(sites: readonly NodeJS.CallSite[]): StackNode | null {
    if (this.#nodes > maxNodes) {
      this.#root = new StackNode();
      this.#nodes = 0;
    }
    let place = this.#root;
    for (const site of sites) {
      const script: unknown = site.getScriptNameOrSourceURL();
      if (typeof script !== 'string' || script === '') return null;
      let positions = place.callers.get(script);
      if (positions === undefined) {
        positions = new Map();
        place.callers.set(script, positions);
      }
      const position = site.getPosition();
      let caller = positions.get(position);
      if (caller === undefined) {
        caller = new StackNode();
        positions.set(position, caller);
        this.#nodes++;
      }
      place = caller;
    }
    return place;
  }
}

/** Node.js has put a function of its own there since 20.19, which stands for none. */
function isLeftToNode(): boolean {
  const prepare: unknown = Error.prepareStackTrace;
  const isOwn = prepare === undefined || (prepare as { name?: unknown } | null)?.name === 'ErrorPrepareStackTrace';
  return isOwn && (process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled !== true;
}
