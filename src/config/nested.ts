// Dotted names of options, and objects within objects: the two forms of the same values.

/** Reads a dotted name, own members only; undefined when any step is missing. */
export function at(value: unknown, name: string): unknown {
  let current = value;
  for (const key of name.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/** The same values in objects, as an application writes them. No name may be the first part of another. */
export function toNested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const path = name.split('.');
    const last = path.pop() ?? name;
    let group = root;
    for (const key of path) {
      if (!Object.hasOwn(group, key)) group[key] = {};
      group = group[key] as Record<string, unknown>; // made here
    }
    group[last] = value;
  }
  return root;
}
