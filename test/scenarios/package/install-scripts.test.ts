// Install scripts of the packages that are installed here: npm warns of each that the project has not decided on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../support/run-app.js';

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(repositoryRoot, file), 'utf8')) as T; // files of this repository
}

test('package.json decides on every install script, and on no other, so that npm ci warns of none', () => {
  const { packages } = readJson<{ packages: Record<string, { hasInstallScript?: true }> }>('package-lock.json');
  const withScript = Object.keys(packages)
    .filter((path) => packages[path]?.hasInstallScript)
    .map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  const { allowScripts } = readJson<{ allowScripts: Record<string, boolean> }>('package.json');
  assert.deepEqual(Object.keys(allowScripts).sort(), [...new Set(withScript)].sort());
});
