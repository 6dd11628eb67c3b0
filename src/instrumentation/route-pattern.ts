// The text of a route pattern, and how the patterns of nested routers are joined.

/** A string without double and trailing slashes, so that the root is ''. A regular expression as its source, with slashes and flags. */
export function patternText(path: unknown): string {
  if (typeof path !== 'string') return path instanceof RegExp ? String(path) : '';
  const single = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
  return single.endsWith('/') ? single.slice(0, -1) : single;
}

/** The pattern of a layer in a router that is mounted at `prefix`. */
export function joinPatterns(prefix: string, pattern: string): string {
  if (prefix === '') return pattern;
  if (pattern === '') return prefix;
  // The last slash of a regular expression would be doubled.
  if (prefix.endsWith('/') && pattern.startsWith('/')) return prefix + pattern.slice(1);
  return pattern.startsWith('/') ? prefix + pattern : `${prefix}/${pattern}`;
}

/** The paths of a list and its nested lists; a list of one for a single path. */
export function flatPaths(path: unknown): unknown[] {
  return Array.isArray(path) ? path.flat(Number.POSITIVE_INFINITY) : [path];
}
