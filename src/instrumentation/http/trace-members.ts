// Members of `Server-Timing` that name a trace: `intid;desc=<trace id>`. The grammar is that of https://www.w3.org/TR/server-timing/
import { SliceList, skip, spaceKind, tokenKind, trimmedEnd } from '../../propagation/list-scanner.js';

const metricName = 'intid';
const mention = /intid/i;
/** Characters that Node.js rejects in a header value. */
const rejected = /[^\t\x20-\x7e\x80-\xff]/;

/** The member that names a trace. */
export function traceMember(traceId: string): string {
  return `${metricName};desc=${traceId}`;
}

/** Whether a header value may have a member that names a trace. */
export function mentionsTrace(value: unknown): boolean {
  return Array.isArray(value) ? value.some(mentionsTrace) : typeof value === 'string' && mention.test(value);
}

/** Removes the members that name another trace than that of the request, from all values of one header. */
export class TraceMembers {
  readonly #traceId: string;
  /** Whether one of the values keeps a member that names the trace of the request. */
  hasOwn = false;
  /** Whether a member was removed. */
  isChanged = false;
  /** Whether Node.js will reject one of the values. */
  isRejected = false;

  constructor(traceId: string) {
    this.#traceId = traceId;
  }

  /**
   * Returns the value without the members that name another trace, and without all but the first that name that of the request. An
   * array is not modified. With `keepsOwn` false, none that names a trace stays.
   */
  clean(value: unknown, keepsOwn: boolean): unknown {
    if (typeof value === 'string') return this.#cleanText(value, keepsOwn);
    if (!Array.isArray(value) || !mentionsTrace(value)) return value;
    const kept: unknown[] = [];
    for (const item of value) {
      const rest = this.clean(item, keepsOwn);
      if (rest === item || !isEmpty(rest)) kept.push(rest);
    }
    return this.isChanged ? kept : value;
  }

  #cleanText(text: string, keepsOwn: boolean): string {
    if (!mention.test(text)) return text;
    if (rejected.test(text)) {
      this.isRejected = true;
      return text;
    }
    const kept = new SliceList(text);
    let isWhole = true;
    for (let start = 0; start <= text.length; ) {
      const end = endOfPart(text, start, text.length, ',');
      if (this.#stays(text, start, end, keepsOwn)) kept.add(start, end);
      else isWhole = false;
      start = end + 1;
    }
    if (isWhole) return text;
    this.isChanged = true;
    const rest = kept.toString();
    return rest.slice(skip(rest, 0, rest.length, spaceKind), trimmedEnd(rest, 0, rest.length));
  }

  #stays(text: string, start: number, end: number, keepsOwn: boolean): boolean {
    const from = skip(text, start, end, spaceKind);
    const to = skip(text, from, end, tokenKind);
    if (to - from !== metricName.length || text.slice(from, to).toLowerCase() !== metricName) return true;
    if (!keepsOwn || this.hasOwn || description(text, to, end) !== this.#traceId) return false;
    this.hasOwn = true;
    return true;
  }
}

/** Whether nothing is left of a header value. */
export function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

/** The first parameter `desc` of a member, without quotes; null if there is none. */
function description(text: string, from: number, to: number): string | null {
  for (let start = endOfPart(text, from, to, ';') + 1; start <= to; ) {
    const end = endOfPart(text, start, to, ';');
    const name = skip(text, start, end, spaceKind);
    const nameEnd = skip(text, name, end, tokenKind);
    const equals = skip(text, nameEnd, end, spaceKind);
    if (text.slice(name, nameEnd).toLowerCase() === 'desc')
      return text[equals] === '=' ? parameterValue(text, skip(text, equals + 1, end, spaceKind), end) : '';
    start = end + 1;
  }
  return null;
}

function parameterValue(text: string, from: number, to: number): string {
  if (text[from] !== '"') return text.slice(from, skip(text, from, to, tokenKind));
  return text.slice(from + 1, endOfString(text, from, to)).replaceAll(/\\(.)/gs, '$1');
}

/** The index of `separator` outside quoted strings, or `to`. A string begins after the first equals sign of a parameter. */
function endOfPart(text: string, from: number, to: number, separator: string): number {
  let hasValue = false;
  let isValueNext = false;
  for (let index = from; index < to; index++) {
    const character = text[index];
    if (character === separator) return index;
    if (character === '"' && isValueNext) index = endOfString(text, index, to);
    else if (character === ' ' || character === '\t') continue;
    isValueNext = character === '=' && !hasValue;
    hasValue = character !== ';' && (hasValue || character === '=');
  }
  return to;
}

/** The index of the quote that ends the string at `from`, or `to`. */
function endOfString(text: string, from: number, to: number): number {
  for (let index = from + 1; index < to; index++) {
    if (text[index] === '"') return index;
    if (text[index] === '\\') index++;
  }
  return to;
}
