// Progress messages, apart from the result.

/** Writes a line to stderr. */
export function reportProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}
