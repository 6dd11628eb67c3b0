// Merges our trace headers with those that the application has set on a call.
import {
  headerFamily,
  headersToAdd,
  instanaFamily,
  levelHeader,
  spanHeader,
  traceHeader,
  w3cFamily,
} from '../../propagation/trace-headers.js';
import { traceparentHeader } from '../../propagation/traceparent.js';
import type { HttpExitSpans, OutgoingContext } from './exit-spans.js';
import { type CallTarget, fitIntoHead } from './head-limit.js';
import { coversTraceHeader, presignsTraceHeader } from './signed-headers.js';

export type Pair = readonly [name: unknown, value: unknown];

/** The headers of a call after merging. */
export interface MergedHeaders {
  /** The application's headers; the same list as before if none was removed. */
  readonly application: readonly Pair[];
  /** Our headers to add: name, value, name, value. */
  readonly added: readonly string[];
}

const members: ReadonlyMap<string, keyof OutgoingContext> = new Map([
  [traceHeader.toLowerCase(), 'trace'],
  [spanHeader.toLowerCase(), 'span'],
  [levelHeader.toLowerCase(), 'level'],
  [traceparentHeader, 'parent'],
]);

/**
 * Keeps a trace context that the application has set, and adds no header that would contradict it. A context that it copied from the
 * request being served is replaced, because it names a span above the one that makes this call. If the request is signed and the
 * signature covers such a header, nothing is replaced or added. Forwarded text that would make the head too long is left out.
 */
export function mergeTraceHeaders(
  present: readonly Pair[],
  added: readonly string[],
  exitSpans: HttpExitSpans,
  target: CallTarget,
): MergedHeaders {
  let families = 0;
  for (const pair of present) families |= familyOf(pair);
  if (families === 0) return { application: present, added: fitIntoHead(added, present, target) };
  const context: OutgoingContext = {};
  for (const pair of present) {
    const name = nameOf(pair);
    // The service would reject the request if a header that its signature covers changed.
    if (coversTraceHeader(name, pair[1])) return { application: present, added: [] };
    const member = members.get(name);
    if (member !== undefined) context[member] = String(pair[1]);
  }
  if (presignsTraceHeader(target.path)) return { application: present, added: [] };
  let replaced = 0;
  if ((families & instanaFamily) !== 0 && !exitSpans.isSetByApplication(context)) replaced |= instanaFamily;
  const hasInstana = (families & instanaFamily & ~replaced) !== 0;
  // W3C headers stay if we add none in their place.
  const isReplaced = (families & familiesOf(added) & w3cFamily) !== 0 && !hasInstana;
  if (isReplaced && !exitSpans.isTraceparentSetByApplication(context.parent)) replaced |= w3cFamily;
  const application = replaced === 0 ? present : present.filter((pair) => (familyOf(pair) & replaced) === 0);
  return { application, added: fitIntoHead(headersToAdd(added, families & ~replaced), application, target) };
}

/** The families of the headers in a flat list. */
function familiesOf(added: readonly string[]): number {
  let families = 0;
  for (let index = 0; index < added.length; index += 2) families |= headerFamily(added[index] as string); // inside the bounds
  return families;
}

function familyOf(pair: Pair): number {
  return headerFamily(nameOf(pair));
}

/** The lower-case name of a header; empty for an invalid entry, which Node.js rejects. */
function nameOf(pair: unknown): string {
  const name: unknown = Array.isArray(pair) ? pair[0] : undefined;
  return typeof name === 'string' ? name.toLowerCase() : '';
}

/** Pairs of name and value from a flat list. */
export function inPairs(flat: readonly unknown[]): Pair[] {
  const pairs: Pair[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.push([flat[index], flat[index + 1]]);
  return pairs;
}
