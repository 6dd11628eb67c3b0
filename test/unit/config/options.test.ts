import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { options } from '../../../src/config/options.js';
import { readConfig } from '../../../src/config/read-config.js';

/** Dotted names of all members, those of the values of options left out. */
function memberNames(group: object, prefix = ''): string[] {
  return Object.entries(group).flatMap(([key, member]) => {
    const name = prefix + key;
    const isGroup = options.some((option) => option.name.startsWith(`${name}.`));
    return isGroup ? memberNames(member as object, `${name}.`) : [name];
  });
}

describe('the table of options', () => {
  it('has a row for each member of the configuration but those that follow from others', () => {
    const config = readConfig({}, {}, undefined, () => {});
    const names = [...options.map(({ name }) => name), 'agentHostConfigured', 'tracing.automatic'];
    assert.deepEqual(memberNames(config).sort(), names.sort());
  });

  it('names each option and each variable once, but those variables that mean two options', () => {
    const names = options.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    const variables = options.flatMap(({ env }) => env);
    const twice = variables.filter((name, index) => variables.indexOf(name) !== index);
    assert.deepEqual(twice, ['INSTANA_TRACING_DISABLE_W3C']);
  });

  it('has defaults that its own parser takes as they are', () => {
    for (const { name, default: value, parse } of options)
      if (value !== null) assert.deepEqual(parse(value, assert.fail), value, name);
  });
});
