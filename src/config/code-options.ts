// The argument of `configure()`, which may be anything: takes the values that can be read and warns of the others.
import { tryGet } from '../core/try-get.js';

/** Values by the dotted names of their options. */
export type CodeOptions = Readonly<Record<string, unknown>>;

const maxMembers = 200;

/**
 * The values in `options` of these names, merged over those of earlier calls. Each member is read once, here: getters and proxies may
 * throw, or return another value the next time.
 */
export function mergeCodeOptions(
  before: CodeOptions,
  options: unknown,
  names: readonly string[],
  warn: (message: string) => void,
): CodeOptions {
  const taken: Record<string, unknown> = { ...before };
  const visit = (value: unknown, prefix: string): void => {
    const what = prefix === '' ? 'what configure() was given' : `option ${prefix.slice(0, -1)}`;
    if (typeof value !== 'object' || value === null) {
      warn(`${what} is no object; it is ignored`);
      return;
    }
    const keys = tryGet(() => Object.keys(value), undefined);
    if (keys === undefined) warn(`${what} cannot be read; it is ignored`);
    for (const key of keys?.slice(0, maxMembers) ?? []) {
      const name = prefix + key;
      const isOption = names.includes(name);
      if (!isOption && !names.some((known) => known.startsWith(`${name}.`))) {
        warn(`there is no option ${name}; it is ignored`);
        continue;
      }
      const found = tryGet(() => [Reflect.get(value, key)] as const, undefined);
      if (found === undefined) warn(`option ${name} cannot be read; it is ignored`);
      else if (found[0] === undefined) continue;
      else if (isOption) taken[name] = found[0];
      else visit(found[0], `${name}.`);
    }
  };
  if (options !== undefined) visit(options, '');
  return taken;
}
