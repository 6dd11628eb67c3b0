// Call stacks as JSON and as text, made once for each chain of places in the code: formatting a stack costs more than the rest of its span.
import { TextCache } from '../core/text-cache.js';
import type { StackFrame } from '../protocol/wire-span.js';
import type { CapturedStack } from './span.js';

/** A place in the code, below those that called each other on the way to it: a tree, from the innermost frame outwards. */
class StackNode {
  /** JSON of the frames of the stack that ends here, and their text; null until they are first asked for. */
  json: string | null = null;
  text: string | null = null;
  readonly callers: Map<string, Map<number, StackNode>> = new Map();
}

const maxNodes = 5000;
const { parse } = JSON;

/**
 * Bounded: when it knows too many places it begins anew. Frames are told apart by script and position, so of a method that several
 * classes inherit, the name that was seen first counts. Where the application formats stacks (`Error.prepareStackTrace`, source
 * maps) it is asked for each stack, as Node.js does.
 */
export class StackCache {
  /** For stacks that are text already: those of errors, and of applications that format themselves. */
  readonly #jsons: TextCache;
  readonly #texts: TextCache;
  #root: StackNode = new StackNode();
  #nodes = 0;
  readonly #prepare: (error: Error, sites: NodeJS.CallSite[]) => unknown;

  /** `toJson` makes JSON frames from the text of a stack. */
  constructor(toJson: (stack: string) => string) {
    this.#jsons = new TextCache(toJson, 200, 20_000);
    this.#texts = new TextCache((stack) => framesText(this.#jsons.get(stack)), 200, 20_000);
    // The node in place of the text: nothing is formatted for a known stack, and a second receiver reads the same.
    this.#prepare = (_error, sites) => {
      const node = this.#nodeOf(sites) ?? new StackNode();
      node.json ??= toJson(`Error\n    at ${sites.map(String).join('\n    at ')}`);
      return node;
    };
  }

  /** JSON of the frames; an empty list for a stack without any. */
  json(holder: CapturedStack): string {
    const stack = this.#read(holder);
    if (stack instanceof StackNode) return stack.json ?? '[]';
    return typeof stack === 'string' ? this.#jsons.get(stack) : '[]';
  }

  /** The frames as Node.js writes them, without the error's own line; empty without any. */
  text(holder: CapturedStack): string {
    const stack = this.#read(holder);
    if (stack instanceof StackNode) {
      stack.text ??= framesText(stack.json ?? '[]');
      return stack.text;
    }
    return typeof stack === 'string' ? this.#texts.get(stack) : '';
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
    let node = this.#root;
    for (const site of sites) {
      const script: unknown = site.getScriptNameOrSourceURL();
      if (typeof script !== 'string' || script === '') return null;
      let positions = node.callers.get(script);
      if (positions === undefined) {
        positions = new Map();
        node.callers.set(script, positions);
      }
      const position = site.getPosition();
      let caller = positions.get(position);
      if (caller === undefined) {
        caller = new StackNode();
        positions.set(position, caller);
        this.#nodes++;
      }
      node = caller;
    }
    return node;
  }
}

/** Node.js has put a function of its own there since 20.19, which stands for none. */
function isLeftToNode(): boolean {
  const prepare: unknown = Error.prepareStackTrace;
  const isOwn = prepare === undefined || (prepare as { name?: unknown } | null)?.name === 'ErrorPrepareStackTrace';
  return isOwn && (process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled !== true;
}

/** JSON frames, in which nothing is secret any more, as lines of a stack. */
function framesText(json: string): string {
  const frames = parse(json) as readonly StackFrame[]; // written by us
  return frames.map(({ m, c = '', n }) => `    at ${m} (${c}${n === undefined ? '' : `:${n}`})`).join('\n');
}
