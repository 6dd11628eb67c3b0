// HTTP headers that are recorded with a span, because an option names them.
import type { HttpAttributes } from '../../spans/span.js';

/** What is kept of one header's value, in characters. */
const maxValueLength = 4096;

/** Notes the value of a header in place of an earlier one: numbers as text, several values in one; nothing when there is none. */
export function captureHeader(http: HttpAttributes, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  http.headers ??= Object.create(null) as Record<string, string>;
  http.headers[name] = (Array.isArray(value) ? value.join(', ') : String(value)).slice(0, maxValueLength);
}

/** All values that a flat list (name, value, name, value) has under a lower-case name, in any spelling; undefined for none. */
export function valuesInList(list: readonly unknown[], name: string): unknown {
  let found: unknown[] | undefined;
  for (let index = 0; index + 1 < list.length; index += 2) {
    if (String(list[index]).toLowerCase() !== name) continue;
    found ??= [];
    found.push(list[index + 1]);
  }
  return found?.flat();
}
