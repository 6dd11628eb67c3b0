// HTTP headers that are recorded with a span because an option names them.
import type { Config } from '../../config/options.js';
import type { HttpAttributes } from '../../spans/span.js';

/** Limit for the value of one header, in characters. */
const maxValueLength = 4096;

/** Whether any headers are to be captured. */
export function capturesHeaders({ tracing }: Config): boolean {
  return tracing.extraHttpHeaders.length > 0;
}

/** Captures the configured headers. `read` returns the value for a lower-case name. */
export function captureHeaders({ tracing }: Config, http: HttpAttributes, read: (name: string) => unknown): void {
  for (const name of tracing.extraHttpHeaders) captureHeader(http, name, read(name));
}

/** Records the value of one header and replaces an earlier one. Several values are joined. A missing value changes nothing. */
export function captureHeader(http: HttpAttributes, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  http.headers ??= Object.create(null) as Record<string, string>;
  http.headers[name] = (Array.isArray(value) ? value.join(', ') : String(value)).slice(0, maxValueLength);
}

/** All values of a lower-case name in a flat list (name, value, name, value), in any case; undefined for none. */
export function valuesInList(list: readonly unknown[], name: string): unknown {
  let found: unknown[] | undefined;
  for (let index = 0; index + 1 < list.length; index += 2) {
    if (String(list[index]).toLowerCase() !== name) continue;
    found ??= [];
    found.push(list[index + 1]);
  }
  return found?.flat();
}
