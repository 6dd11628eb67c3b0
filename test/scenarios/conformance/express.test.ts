// The cases of HTTP and of Express on both majors, each by `-r` and by `--import`.
import type { Target } from './case.js';
import { expressCases } from './cases-e.js';
import { httpCases } from './cases-h.js';
import { runCases } from './run-cases.js';

const targets: readonly Target[] = [4, 5].flatMap((major) =>
  (['require', 'import'] as const).map((loader) => ({
    name: `express ${major} by ${loader}`,
    framework: 'express',
    major,
    router: null,
    file: `versions/express-${major}/app.${loader === 'require' ? 'cjs' : 'mjs'}`,
    loader,
  })),
);

for (const target of targets) runCases(target, [...httpCases, ...expressCases]);
