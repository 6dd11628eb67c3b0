// Writes the integration package: node build/tools/integration-package/generate.js
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageFiles } from './package-files.js';

const folder = join(__dirname, '..', '..', '..', 'integration-package');

// Starts empty, so that no file of a removed event is left.
rmSync(folder, { recursive: true, force: true });
const files = packageFiles();
for (const [file, text] of files) {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}
process.stdout.write(`${files.size} files in integration-package/\n`);
