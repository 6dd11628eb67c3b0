// Everything that can be said about an integration package without seeing a metric sent.
// node build/tools/integration-package/validate.js [folder]: prints what it finds, and fails when that is anything.
import { join } from 'node:path';
import { type Finding, readPackageFolder } from './package-folder.js';
import { dashboardsFindings } from './validate-dashboards.js';
import { entitiesFindings } from './validate-entities.js';
import { eventsFindings } from './validate-events.js';
import { lintFindings } from './validate-lint.js';
import { metricsFindings } from './validate-metrics.js';
import { textsFindings } from './validate-texts.js';

/** Empty for a package without a fault. */
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

/** One line for a person. */
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
