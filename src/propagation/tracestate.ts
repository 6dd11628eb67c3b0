// `tracestate` of W3C Trace Context, level 2: which of its members are forwarded, and Instana's own member.
import { parseId } from './ids.js';
import { find, keyKind, SliceList, skip, spaceKind, trimmedEnd, valueKind } from './list-scanner.js';
import type { W3cContext } from './w3c-context.js';

export const tracestateHeader = 'tracestate';

const maxMembers = 32;
const maxPartLength = 256;
/**
 * The length of what is passed on, without the member that is sent in front. The specification asks for at least 512 characters, and
 * allows lists of 16 KiB, which many servers refuse as too long.
 */
const maxLength = 4096;
/** Members longer than this are dropped first. */
const maxKeptMemberLength = 128;

/**
 * Reads a list into `w3c`; `lines` is the number of headers it was joined from. An invalid member makes the whole list invalid, except
 * for Instana's own member, which is only read. If a key occurs twice, the first one counts.
 *
 * More than 32 members: the validation suite of W3C discards a list of several lines, the official sensor cuts a list of one line.
 * The specification allows both.
 */
export function readTracestate(w3c: W3cContext, text: string, lines: number): void {
  const all = new SliceList(text);
  const others = new SliceList(text);
  const keys = new Set<string>();
  let members = 0;
  let isInvalid = false;
  let hasInstanaMember = false;
  let middle = -1;
  for (let start = 0; start < text.length; ) {
    const end = find(text, ',', start);
    const from = skip(text, start, end, spaceKind);
    const to = trimmedEnd(text, from, end);
    start = end + 1;
    if (middle < from) middle = find(text, '=', from); // otherwise there is none before it, and a second search would take long
    if (middle >= to) continue; // empty, or not a member
    members++;
    if (isInstanaKey(text, from, middle)) {
      if (hasInstanaMember) continue;
      hasInstanaMember = true;
      readInstanaMember(w3c, text.slice(middle + 1, to));
      if (all.count < maxMembers && isKey(text, from, middle) && isValue(text, middle + 1, to)) all.add(from, to);
      continue;
    }
    if (isInvalid || (members > maxMembers && lines === 1)) continue; // Instana's member may follow
    isInvalid = members > maxMembers || !isKey(text, from, middle) || !isValue(text, middle + 1, to);
    if (isInvalid) continue;
    const key = text.slice(from, middle);
    if (keys.has(key)) continue;
    keys.add(key);
    all.add(from, to);
    if (others.count < maxMembers - 1) others.add(from, to);
  }
  if (isInvalid) return;
  w3c.tracestate = shortened(all.toString());
  w3c.otherMembers = all.count === others.count ? w3c.tracestate : shortened(others.toString());
}

/** `tracestate` of a call that is traced: Instana's member, followed by those of other vendors. */
export function tracedTracestate(traceId: string, spanId: string, w3c: W3cContext | null): string {
  const member = `in=${traceId};${spanId}`;
  return w3c === null || w3c.otherMembers === '' ? member : `${member},${w3c.otherMembers}`;
}

function readInstanaMember(w3c: W3cContext, value: string): void {
  const middle = value.indexOf(';');
  if (middle < 0 || value.length - middle > 17) return;
  const traceId = parseId(value.slice(0, middle));
  const spanId = parseId(value.slice(middle + 1));
  if (traceId === null || spanId === null) return;
  w3c.ancestorTraceId = traceId;
  w3c.ancestorSpanId = spanId;
}

/** In any case, as the official sensor reads it. */
function isInstanaKey(text: string, from: number, to: number): boolean {
  return to - from === 2 && (text.charCodeAt(from) | 0x20) === 0x69 && (text.charCodeAt(from + 1) | 0x20) === 0x6e;
}

/** As in level 2. Level 1 took an at sign only between a tenant and a system, each with a length of its own. */
function isKey(text: string, from: number, to: number): boolean {
  return (
    to - from <= maxPartLength && isLetterOrDigit(text.charCodeAt(from)) && skip(text, from + 1, to, keyKind) === to
  );
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
}

function isValue(text: string, from: number, to: number): boolean {
  return from < to && to - from <= maxPartLength && skip(text, from, to, valueKind) === to;
}

/** Drops whole members: long ones first, then from the end of the list. */
function shortened(list: string): string {
  if (list.length <= maxLength) return list;
  const members = list.split(',');
  let length = list.length;
  for (let index = members.length - 1; index >= 0 && length > maxLength; index--) {
    const size = members[index]?.length ?? 0;
    if (size <= maxKeptMemberLength) continue;
    members.splice(index, 1);
    length -= size + 1;
  }
  while (length > maxLength) length -= (members.pop()?.length ?? 0) + 1;
  return members.join(',');
}
