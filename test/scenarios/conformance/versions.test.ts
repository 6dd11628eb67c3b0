// Each folder of test/apps/versions gets the versions that its name promises, under their real names.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { appsFolder } from '../../support/run-app.js';

const folder = join(appsFolder, 'versions');

describe('framework versions', () => {
  for (const name of readdirSync(folder)) {
    it(`${name} resolves what it is named after`, () => {
      for (const [module, major] of promised(name)) assert.equal(resolvedMajor(name, module), major, module);
    });
  }

  it('are two of bluebird and of Express, and every router for both of Koa', () => {
    assert.equal(readdirSync(folder).length, 2 + 2 + 2 * 6);
  });
});

/** `koa-2-koa-router-12` promises koa 2 and koa-router 12, `koa-2-router-15` @koa/router 15. */
function promised(name: string): [string, number][] {
  const [, framework = '', major, router, routerMajor] =
    /^([a-z]+)-(\d+)(?:-((?:koa-)?router)-(\d+))?$/.exec(name) ?? [];
  const own: [string, number] = [framework, Number(major)];
  if (router === undefined) return [own];
  return [own, [router === 'router' ? '@koa/router' : router, Number(routerMajor)]];
}

/** `exports` of some packages hide their package.json, so the folders are looked through instead. */
function resolvedMajor(name: string, module: string): number {
  const bases = createRequire(join(folder, name, 'app.cjs')).resolve.paths(module) ?? [];
  const file = bases.map((base) => join(base, module, 'package.json')).find((candidate) => existsSync(candidate));
  assert.ok(file !== undefined, `${module} is not installed`);
  const facts = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }; // every package has these
  assert.equal(facts.name, module, 'real name');
  return Number(facts.version.split('.')[0]);
}
