// Reads of values that others made: a getter or a proxy may throw.

/** What `read` returns, or `fallback` when it throws. */
export function tryGet<Result, Fallback>(read: () => Result, fallback: Fallback): Result | Fallback {
  try {
    return read();
  } catch {
    return fallback;
  }
}

/** A member of a value of any kind; undefined when there is none or it cannot be read. */
export function tryMember(value: unknown, name: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}
