// docs/benchmarks.md: a section for each benchmark, of which those that have run are written anew.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchmarkList } from './benchmark-list.js';
import { repositoryRoot } from './child-process.js';

const file = join(repositoryRoot, 'docs/benchmarks.md');

const introduction = `# Benchmarks

Written by \`npm run bench -- --write\`; each section says when and where it was measured. CPU is what the system has counted, user and
system, for the whole process. The *floor* is a tracer of our own that does the least a tracer can do: a preload that replaces the
server's \`emit\`, keeps one span object in an \`AsyncLocalStorage\` and posts JSON once a second; it does no routes, errors, secrets or
metrics. *Bare again* is the bare application a second time: what it differs by from the first is noise.

All variants of a benchmark live at the same time, one process each, and get the same load in turn; figures are differences to the bare
application in the same round. Each start of a process has a bias of its own, so processes are started anew several times, the
*generations*, and a mean ± its standard error is taken over these. CPU counts from before a block of requests until its spans have
been counted at the receiving end, so encoding and sending are in it: the sensor, the floor, OpenTelemetry and Elastic are told to
send, the others are waited for, one or two seconds in which whatever else they do counts too. A variant of which a span did not
arrive is void. Other tracers record every request; their queues are made long enough for a block, and telemetry is off.

\`\`\`sh
npm run bench
npm run bench -- per-request start-up
npm run bench -- --short
\`\`\``;

/** Texts of the sections that the document has, by their headings. */
function readSections(): Map<string, string> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const parts = text.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

/** Writes one section anew and leaves the others as they are. */
export function writeSection(title: string, text: string): void {
  const sections = readSections();
  sections.set(title, `\`\`\`text\n${text}\n\`\`\``);
  const written = benchmarkList.flatMap(({ title: known }) =>
    [...sections]
      .filter(([heading]) => heading === known || heading.startsWith(`${known}, `))
      .sort(([left], [right]) => left.length - right.length)
      .map(([heading, section]) => `## ${heading}\n\n${section}`),
  );
  writeFileSync(file, `${[introduction, ...written].join('\n\n')}\n`);
}
