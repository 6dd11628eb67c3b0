// `baggage` of W3C: which of its members are valid and forwarded.
import { find, octetKind, SliceList, skip, spaceKind, tokenKind, trimmedEnd } from './list-scanner.js';

export const baggageHeader = 'baggage';

const maxMembers = 64;
const maxLength = 8192;
const equals = 0x3d;
const semicolon = 0x3b;

/** Returns a valid `baggage` as it is, and of any other the members that are valid and within the limits. */
export function readBaggage(text: string): string {
  const kept = new SliceList(text);
  let bytes = 0;
  let isWhole = text.length <= maxLength;
  for (let start = 0; start <= text.length; ) {
    const end = find(text, ',', start);
    const from = skip(text, start, end, spaceKind);
    const to = trimmedEnd(text, from, end);
    start = end + 1;
    if (kept.count < maxMembers && bytes + to - from <= maxLength && isMember(text, from, to)) {
      kept.add(from, to);
      bytes += to - from + 1;
    } else {
      isWhole = false;
    }
  }
  return isWhole ? text : kept.toString();
}

/** A member: a key, a value that may be empty, and properties after semicolons. */
function isMember(text: string, from: number, to: number): boolean {
  let index = skip(text, from, to, tokenKind);
  if (index === from) return false;
  index = skip(text, index, to, spaceKind);
  if (index === to || text.charCodeAt(index) !== equals) return false;
  index = endOfValue(text, index, to);
  while (index < to) {
    if (text.charCodeAt(index) !== semicolon) return false;
    const key = skip(text, index + 1, to, spaceKind);
    index = skip(text, key, to, tokenKind);
    if (index === key) return false;
    index = skip(text, index, to, spaceKind);
    if (index < to && text.charCodeAt(index) === equals) index = endOfValue(text, index, to);
  }
  return true;
}

/** The index after a value and the blanks around it. `from` is the index of the equals sign. */
function endOfValue(text: string, from: number, to: number): number {
  return skip(text, skip(text, skip(text, from + 1, to, spaceKind), to, octetKind), to, spaceKind);
}
