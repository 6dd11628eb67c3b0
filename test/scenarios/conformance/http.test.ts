// The cases of Node's own servers, on http and https.
import type { Target } from './case.js';
import { httpCases } from './cases-h.js';
import { runCases } from './run-cases.js';

const targets: readonly Target[] = (['http', 'https'] as const).flatMap((framework) =>
  (['require', 'import'] as const).map((loader) => ({
    name: `${framework} by ${loader}`,
    framework,
    major: 0,
    router: null,
    file: loader === 'require' ? 'http-app.cjs' : 'http-app.mjs',
    loader,
  })),
);

for (const target of targets) runCases(target, httpCases);
