// The file of ignored endpoints: where it is read from, and what makes it invalid.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readIgnoreFile } from '../../../src/config/ignore-file.js';

const folder = mkdtempSync(join(tmpdir(), 'ts-sensor-ignore-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function readFile(path: string | undefined): { rules: unknown; warnings: string[] } {
  const warnings: string[] = [];
  return { rules: readIgnoreFile(path, (message) => warnings.push(message)), warnings };
}

describe('the file of ignored endpoints', () => {
  const yaml = `# what probes ask for
tracing:
  ignore-endpoints:
    redis:
      - get
      - type
    http:
      - methods: [GET]
        endpoints:
          - /health
    kafka:
      - methods: ['*']
        endpoints: ["Topic 1"]
`;
  const expected = {
    redis: [{ methods: ['get', 'type'] }],
    http: [{ methods: ['get'], endpoints: ['/health'] }],
    kafka: [{ methods: ['*'], endpoints: ['topic 1'] }],
  };

  it('is YAML below either root', () => {
    assert.deepEqual(readFile(file('a.yaml', yaml)), { rules: expected, warnings: [] });
    const other = yaml.replace('tracing:', 'com.instana.tracing:');
    assert.deepEqual(readFile(file('b.yaml', other)), { rules: expected, warnings: [] });
  });

  it('may be JSON', () => {
    const text = JSON.stringify({ tracing: { 'ignore-endpoints': { http: [{ endpoints: ['/health'] }] } } }, null, 2);
    assert.deepEqual(readFile(file('a.json', text)).rules, { http: [{ endpoints: ['/health'] }] });
  });

  it('is not read when no variable names it', () => {
    for (const path of [undefined, '']) assert.deepEqual(readFile(path), { rules: undefined, warnings: [] });
  });

  it('is ignored with one warning when it is invalid', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const rows: readonly (readonly [string, RegExp])[] = [
      ['relative.yaml', /not absolute/],
      [join(folder, 'missing.yaml'), /ENOENT/],
      [folder, /no file/],
      [pipe, /no file/],
      ['/dev/zero', /no file/],
      [file('large.yaml', 'a'.repeat(70_000)), /larger than 65536/],
      [file('anchor.yaml', `${yaml}x: &y z\n`), /line 14 is not understood/],
      [file('empty.yaml', ''), /no ignore-endpoints/],
      [file('other.yaml', 'tracing:\n  other: x\n'), /no ignore-endpoints/],
      [file('text.yaml', 'tracing:\n  ignore-endpoints: true\n'), /no ignore-endpoints/],
      [file('broken.json', '{"tracing":'), /JSON/],
    ];
    for (const [path, reason] of rows) {
      const { rules, warnings } = readFile(path);
      assert.equal(rules, undefined, path);
      assert.equal(warnings.length, 1, path);
      assert.match(warnings[0] ?? '', /INSTANA_IGNORE_ENDPOINTS_PATH/);
      assert.match(warnings[0] ?? '', reason, path);
    }
  });
});
