// Every check of an integration package that needs no sent metric.
// node build/tools/integration-package/validate.js [folder]: prints the findings, and fails when there are any.
import { join } from 'node:path';
import { type Finding, readPackageFolder } from './package-folder.js';
import { dashboardsFindings } from './validate-dashboards.js';
import { entitiesFindings } from './validate-entities.js';
import { eventsFindings } from './validate-events.js';
import { lintFindings } from './validate-lint.js';
import { metricsFindings } from './validate-metrics.js';
import { textsFindings } from './validate-texts.js';

/** The findings of a package; empty when it has no fault. */
export function validatePackage(folder: string): Finding[] {
  const read = readPackageFolder(folder);
  return [
    ...lintFindings(read),
    ...dashboardsFindings(read),
    ...entitiesFindings(read),
    ...eventsFindings(read),
    ...metricsFindings(read),
    ...textsFindings(read),
  ];
}

/** A finding as one line of text. */
export function findingText({ file, path, rule, message }: Finding): string {
  return `${file}${path === '' ? '' : ` ${path}`}: ${message} (${rule})`;
}

if (require.main === module) {
  const folder = process.argv[2] ?? join(__dirname, '..', '..', '..', 'integration-package');
  const findings = validatePackage(folder);
  for (const finding of findings) process.stdout.write(`${findingText(finding)}\n`);
  process.stdout.write(`${findings.length} findings\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
