// A short run of everything on the other majors of Node.js, which test/peers brings; TS_SENSOR_NODE names another binary instead.
import { it } from 'node:test';
import { otherNode } from '../../support/consumer.js';
import type { Case, Target } from './case.js';
import { expressCases } from './cases-e.js';
import { httpCases } from './cases-h.js';
import { koaCases } from './cases-k.js';
import { runCases } from './run-cases.js';

const majors = [22, 24, 26];
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

function smoke(version: string, node: string): void {
  for (const loader of ['require', 'import'] as const) {
    const file = `app.${loader === 'require' ? 'cjs' : 'mjs'}`;
    const target = (framework: 'http' | 'express' | 'koa', major: number, path: string): Target => ({
      name: `smoke of ${framework} by ${loader} on ${version}`,
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
}

const named = process.env['TS_SENSOR_NODE'];
if (named !== undefined) {
  smoke(named, named);
} else {
  for (const major of majors) {
    const found = otherNode(major);
    if ('missing' in found) it(`smoke on Node.js ${major}`, { skip: found.missing }, () => {});
    else smoke(`Node.js ${major}`, found.path);
  }
}
