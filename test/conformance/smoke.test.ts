// A short run of everything, for other versions of Node.js: TS_SENSOR_NODE names the binary that runs the hosts.

import type { Case, Target } from './case.js';
import { expressCases } from './cases-e.js';
import { httpCases } from './cases-h.js';
import { koaCases } from './cases-k.js';
import { runCases } from './run-cases.js';

const node = process.env['TS_SENSOR_NODE'] ?? process.execPath;
const some = new Set([
  'H1',
  'H9',
  'H16',
  'X',
  'E1',
  'E2',
  'E4',
  'E16',
  'E17',
  'E18',
  'K1',
  'K2',
  'K3',
  'K4',
  'K5',
  'K6',
  'K11',
]);
const few = (cases: readonly Case[]): Case[] => cases.filter(({ id }) => some.has(id));

for (const loader of ['require', 'import'] as const) {
  const file = `app.${loader === 'require' ? 'cjs' : 'mjs'}`;
  const target = (framework: 'http' | 'express' | 'koa', major: number, path: string): Target => ({
    name: `smoke of ${framework} by ${loader}`,
    framework,
    major,
    router: framework === 'koa' ? { name: '@koa/router', major: 15 } : null,
    file: path,
    loader,
    node,
  });
  runCases(target('http', 0, `http-${file}`), few(httpCases));
  runCases(target('express', 5, `versions/express-5/${file}`), few([...httpCases, ...expressCases]));
  runCases(target('koa', 3, `versions/koa-3-router-15/${file}`), few([...httpCases, ...koaCases]));
}
