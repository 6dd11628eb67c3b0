// All benchmarks one after the other, in processes of their own: `npm run bench`. Arguments go to each: `npm run bench -- --json`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

for (const name of ['per-request', 'start-up', 'agent-intake']) {
  const { status } = spawnSync(process.execPath, [join(__dirname, `${name}.js`), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
  process.stdout.write('\n');
}
