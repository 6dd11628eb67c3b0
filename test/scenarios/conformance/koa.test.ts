// The cases of HTTP and of Koa, on every pair of Koa and router by `-r`, and the core of them on every pair by `--import`.
import type { Target } from './case.js';
import { httpCases } from './cases-h.js';
import { koaCases } from './cases-k.js';
import { runCases } from './run-cases.js';

const routers = [
  { name: 'koa-router', major: 12 },
  { name: 'koa-router', major: 14 },
  { name: '@koa/router', major: 12 },
  { name: '@koa/router', major: 13 },
  { name: '@koa/router', major: 14 },
  { name: '@koa/router', major: 15 },
];

function targets(loader: 'require' | 'import'): Target[] {
  return [2, 3].flatMap((major) =>
    routers.map((router) => ({
      name: `koa ${major} with ${router.name} ${router.major} by ${loader}`,
      framework: 'koa' as const,
      major,
      router,
      file: `versions/koa-${major}-${router.name.replace('@koa/', '')}-${router.major}/app.${loader === 'require' ? 'cjs' : 'mjs'}`,
      loader,
    })),
  );
}

const core = new Set(['H1', 'H5', 'H9', 'K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K8', 'K11', 'K13', 'K25', 'K27']);

for (const target of targets('require')) runCases(target, [...httpCases, ...koaCases]);
for (const target of targets('import'))
  runCases(
    target,
    [...httpCases, ...koaCases].filter(({ id }) => core.has(id)),
  );
