// The command behind `npm run bench -- [names] [--peers] [--short] [--json] [--write] [--check]`; bench/README.md explains the flags.
import type { Benchmark, Report } from './benchmark.js';
import { benchmarkList } from './benchmark-list.js';
import { excesses, judge } from './budgets.js';
import { pagesFolder, writeSection } from './document.js';
import { describeMachine, machineLine } from './machine.js';
import { Options } from './options.js';
import { reportProgress } from './progress.js';
import { table } from './statistics.js';
import { arePeersInstalled, howToInstall, peers } from './variants.js';

/** What `--check` runs. */
const checkedNames: readonly string[] = ['per-request', 'start-up'];

function choose(options: Options): Benchmark[] {
  const names = options.names.length === 0 && options.is('check') ? checkedNames : options.names;
  for (const name of names) {
    if (!benchmarkList.some((benchmark) => benchmark.name === name))
      throw new Error(`no such benchmark: ${name}; there are ${benchmarkList.map((known) => known.name).join(', ')}`);
  }
  return benchmarkList.filter(({ name, isOnDemand }) =>
    names.length === 0 ? isOnDemand !== true : names.includes(name),
  );
}

/** A table of the figures that have a budget, beside their budgets. */
function budgetsText({ measured }: Report): string | null {
  const judgements = judge(measured);
  if (judgements.length === 0) return null;
  const rows = judgements.map(({ title, unit, value, limit }) => {
    const verdict = value <= limit ? 'met' : 'exceeded';
    return [`${title}, ${unit}`, value, limit, verdict];
  });
  return table(['budgets, for a machine of this speed', 'measured', 'budget', ''], rows);
}

/** What distinguishes the run from others of the same benchmark: the major of Node.js, and the other tracers. */
function headingOf(options: Options): string {
  const onNode = `Node.js ${process.versions.node.split('.')[0]}`;
  return options.is('peers') ? `${onNode}, beside ${namesOfPeers(options)}` : onNode;
}

function namesOfPeers(options: Options): string {
  const named = peers.map(({ name }) => name).filter((name) => options.list('variants')?.includes(name));
  return named.length > 0 ? named.join(' and ') : 'other tracers';
}

/** The whole text of a report. */
function textOf(report: Report, options: Options): string {
  const warning = 'Short form: it shows that the benchmark works, not what anything costs.';
  const parts = [options.is('short') ? warning : null, report.text, budgetsText(report)];
  const voids = report.voids.map((text) => `VOID: ${text}`);
  return [...parts, ...voids].filter((part) => part !== null).join('\n\n');
}

/** True when nothing is void and, with `--check`, no figure is far over its budget. Logs what is wrong. */
function isSuccess(options: Options, reports: readonly Report[]): boolean {
  const voids = reports.flatMap((report) => report.voids.map((text) => `void: ${text}`));
  const failures = [...voids, ...(options.is('check') ? reports.flatMap(({ measured }) => excesses(measured)) : [])];
  for (const failure of failures) reportProgress(failure);
  return failures.length === 0;
}

async function main(): Promise<void> {
  const options = new Options(process.argv.slice(2));
  if (options.is('peers') && !arePeersInstalled()) throw new Error(howToInstall);
  const chosen = choose(options);
  const machine = describeMachine(options.is('peers'));
  const isJson = options.is('json');
  if (!isJson) process.stdout.write(`${machineLine(machine)}\n\n`);
  const reports: Report[] = [];
  for (const benchmark of chosen) {
    reportProgress(`${benchmark.name} …`);
    const report = await benchmark.run(options);
    reports.push(report);
    const text = textOf(report, options);
    const heading = headingOf(options);
    if (!isJson) process.stdout.write(`## ${benchmark.title}, ${heading}\n\n${text}\n\n`);
    if (options.is('write')) writeSection(pagesFolder, benchmark, heading, `${machineLine(machine)}\n\n${text}`);
  }
  if (isJson) {
    const results = Object.fromEntries(chosen.map(({ name }, index) => [name, reports[index]?.result]));
    process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
  }
  if (!isSuccess(options, reports)) process.exitCode = 1;
}

main().catch((error: unknown) => {
  reportProgress(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
