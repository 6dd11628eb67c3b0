// Tells people what is going on, beside the result.

/** A line on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
