// The text of a route as the application wrote it, and how patterns of nested routers are put together.

/** A string as it is, without doubled slashes and the last one; a regular expression as its source with slashes and flags. Root is ''. */
export function patternText(path: unknown): string {
  if (typeof path !== 'string') return path instanceof RegExp ? String(path) : '';
  const single = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
  return single.endsWith('/') ? single.slice(0, -1) : single;
}

/** The pattern of something that stands below `prefix`. */
export function joinPatterns(prefix: string, pattern: string): string {
  if (prefix === '') return pattern;
  if (pattern === '') return prefix;
  // A regular expression ends with a slash that is doubled by what follows.
  if (prefix.endsWith('/') && pattern.startsWith('/')) return prefix + pattern.slice(1);
  return pattern.startsWith('/') ? prefix + pattern : `${prefix}/${pattern}`;
}

/** Paths of a list, nested lists included; a single path is a list of one. */
export function flatPaths(path: unknown): unknown[] {
  return Array.isArray(path) ? path.flat(Number.POSITIVE_INFINITY) : [path];
}
