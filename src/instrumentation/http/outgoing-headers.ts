// Trace headers that the application itself puts on a call: found in headers of every form, and taken out where ours replace them.
import {
  headerFamily,
  headersNotTaken,
  instanaFamily,
  levelHeader,
  spanHeader,
  traceHeader,
  w3cFamily,
} from '../../propagation/trace-headers.js';
import { traceparentHeader } from '../../propagation/w3c.js';
import type { HttpExitSpans, OutgoingContext } from './exit-spans.js';

export type Pair = readonly [name: unknown, value: unknown];

/** What becomes of the application's headers and of ours. */
export interface MergedHeaders {
  /** The application's: the very list that was given when nothing is taken out of it. */
  readonly application: readonly Pair[];
  /** Ours that are to be added: name, value, name, value. */
  readonly added: readonly string[];
}

const members: ReadonlyMap<string, keyof OutgoingContext> = new Map([
  [traceHeader.toLowerCase(), 'trace'],
  [spanHeader.toLowerCase(), 'span'],
  [levelHeader.toLowerCase(), 'level'],
  [traceparentHeader, 'parent'],
]);

/**
 * A context of the application's own stands, and what would contradict it is not added. One that came in with the request being
 * served, and was copied from there, is replaced: it names a span above the one that makes this call.
 */
export function mergeTraceHeaders(
  present: readonly Pair[],
  added: readonly string[],
  exit: HttpExitSpans,
): MergedHeaders {
  let families = 0;
  for (const pair of present) families |= familyOf(pair);
  if (families === 0) return { application: present, added };
  const context: OutgoingContext = {};
  for (const pair of present) {
    const name = nameOf(pair);
    if (name === 'authorization' && signsTraceHeader(String(pair[1]))) return { application: present, added: [] };
    const member = members.get(name);
    if (member !== undefined) context[member] = String(pair[1]);
  }
  let replaced = 0;
  if ((families & instanaFamily) !== 0 && !exit.isSetByApplication(context)) replaced |= instanaFamily;
  const hasInstana = (families & instanaFamily & ~replaced) !== 0;
  // Without headers of ours in their place, those of W3C stay: to write none is not to take them away.
  const isReplaced = (families & familiesOf(added) & w3cFamily) !== 0 && !hasInstana;
  if (isReplaced && !exit.isTraceparentSetByApplication(context.parent)) replaced |= w3cFamily;
  const application = replaced === 0 ? present : present.filter((pair) => (familyOf(pair) & replaced) === 0);
  return { application, added: headersNotTaken(added, families & ~replaced) };
}

/** Of a flat list. */
function familiesOf(added: readonly string[]): number {
  let families = 0;
  for (let index = 0; index < added.length; index += 2) families |= headerFamily(added[index] as string); // inside the bounds
  return families;
}

function familyOf(pair: Pair): number {
  return headerFamily(nameOf(pair));
}

/** What an application hands over may be no pair at all, for Node.js to refuse. */
function nameOf(pair: unknown): string {
  const name: unknown = Array.isArray(pair) ? pair[0] : undefined;
  return typeof name === 'string' ? name.toLowerCase() : '';
}

/** A request whose signature covers one of our headers would be refused if that were changed. */
function signsTraceHeader(authorization: string): boolean {
  return /SignedHeaders=[^,\s]*(?:x-instana-|traceparent|tracestate)/i.test(authorization);
}

/** Name and value of each two members of a flat list. */
export function inPairs(flat: readonly unknown[]): Pair[] {
  const pairs: Pair[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.push([flat[index], flat[index + 1]]);
  return pairs;
}
