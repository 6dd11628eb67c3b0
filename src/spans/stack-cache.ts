// JSON of call stacks, made once for each chain of places in the code: formatting a stack costs more than the rest of its span.

import { TextCache } from '../core/text-cache.js';
import type { StackHolder } from './span.js';

/** A place in the code, below those that called each other on the way to it: a tree, from the innermost frame outwards. */
class Place {
  /** What was made of the stack that ends here. */
  json: string | null = null;
  readonly callers: Map<string, Map<number, Place>> = new Map();
}

const maximumPlaces = 5000;

/**
 * Bounded: when it knows too many places it begins anew. Frames are told apart by script and position, so of a method that several
 * classes inherit, the name that was seen first counts. Where the application formats stacks (`Error.prepareStackTrace`, source
 * maps) it is asked for each stack, as Node.js does.
 */
export class StackCache {
  /** For stacks that are text already: those of errors, and of applications that format themselves. */
  readonly #texts: TextCache;
  #root: Place = new Place();
  #places = 0;
  #json: string | null = null;
  readonly #prepare: (error: Error, sites: NodeJS.CallSite[]) => unknown;

  /** `toJson` makes frames of a stack's text. */
  constructor(toJson: (text: string) => string) {
    this.#texts = new TextCache(toJson, 200, 20_000);
    this.#prepare = (_error, sites) => {
      const place = this.#placeOf(sites);
      const text = place?.json === null || place === null ? `Error\n    at ${sites.map(String).join('\n    at ')}` : '';
      this.#json = place?.json ?? toJson(text);
      if (place !== null) place.json = this.#json;
      return text;
    };
  }

  /** JSON of the frames; an empty list for what has none. */
  of(holder: StackHolder): string {
    this.#json = null;
    const stack = this.#read(holder);
    return this.#json ?? (typeof stack === 'string' ? this.#texts.of(stack) : '[]');
  }

  /** V8 formats on the first read; a function of the application's that is called for it may throw. */
  #read(holder: StackHolder): unknown {
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
  #placeOf(sites: readonly NodeJS.CallSite[]): Place | null {
    if (this.#places > maximumPlaces) {
      this.#root = new Place();
      this.#places = 0;
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
        caller = new Place();
        positions.set(position, caller);
        this.#places++;
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
