// Caches call stacks as JSON and text by their call sites: formatting a stack costs more than the rest of its span.
import { TextCache } from '../core/text-cache.js';
import type { StackFrame } from '../protocol/wire-span.js';
import type { CapturedStack } from './span.js';

/** A node of the tree of call sites. The root's children are innermost frames; the children of a node are its callers. */
class StackNode {
  /** The frames of the stack that ends here, as JSON and as text; null until first read. */
  json: string | null = null;
  text: string | null = null;
  readonly callers: Map<string, Map<number, StackNode>> = new Map();
}

const maxNodes = 5000;
const { parse } = JSON;

/**
 * Bounded: a full tree is cleared. Frames are identified by script and position, so a method that several classes inherit keeps
 * the class name seen first. If the application formats stacks (`Error.prepareStackTrace`, source maps), its formatter runs for
 * each stack, as in Node.js.
 */
export class StackCache {
  /** For stacks that are already text: those of errors, and those that the application formats. */
  readonly #jsons: TextCache;
  readonly #texts: TextCache;
  #root: StackNode = new StackNode();
  #nodes = 0;
  readonly #prepare: (error: Error, sites: NodeJS.CallSite[]) => unknown;

  /** `toJson` converts the text of a stack to JSON frames. */
  constructor(toJson: (stack: string) => string) {
    this.#jsons = new TextCache(toJson, 200, 20_000);
    this.#texts = new TextCache((stack) => framesText(this.#jsons.get(stack)), 200, 20_000);
    // `stack` becomes the node instead of text: a known stack is not formatted, and a second receiver reads the same node.
    this.#prepare = (_error, sites) => {
      const node = this.#nodeOf(sites) ?? new StackNode();
      node.json ??= toJson(`Error\n    at ${sites.map(String).join('\n    at ')}`);
      return node;
    };
  }

  /** JSON array of the frames; `[]` if there are none. */
  json(holder: CapturedStack): string {
    const stack = this.#read(holder);
    if (stack instanceof StackNode) return stack.json ?? '[]';
    return typeof stack === 'string' ? this.#jsons.get(stack) : '[]';
  }

  /** The frames as Node.js writes them, without the error's own line; empty if there are none. */
  text(holder: CapturedStack): string {
    const stack = this.#read(holder);
    if (stack instanceof StackNode) {
      stack.text ??= framesText(stack.json ?? '[]');
      return stack.text;
    }
    return typeof stack === 'string' ? this.#texts.get(stack) : '';
  }

  /** V8 formats the stack on the first read. It may call the application's formatter, which may throw; the result is then null. */
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

  /** Null if a frame has no script to identify it, as in code generated at run time. */
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

/** Whether Node.js formats stacks. Since 20.19 it sets a default `prepareStackTrace` itself, which counts as none. */
function isLeftToNode(): boolean {
  const prepare: unknown = Error.prepareStackTrace;
  const isOwn = prepare === undefined || (prepare as { name?: unknown } | null)?.name === 'ErrorPrepareStackTrace';
  return isOwn && (process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled !== true;
}

/** Converts JSON frames, which are already redacted, to lines of a stack. */
function framesText(json: string): string {
  const frames = parse(json) as readonly StackFrame[]; // our own output
  return frames.map(({ m, c = '', n }) => `    at ${m} (${c}${n === undefined ? '' : `:${n}`})`).join('\n');
}
