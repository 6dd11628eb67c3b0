// Command lines and URLs of package.json without secrets.
import assert from 'node:assert/strict';
import test from 'node:test';
import { redactArguments, redactUrls } from '../../../src/redaction/command-line.js';
import { assertLinearTime } from '../../support/linear-time.js';

test('redacts what looks like a secret in a command line', () => {
  const marker = 'hunter2';
  const secret = [
    [`--password=${marker}`],
    [`--db-password=${marker},${marker}&x=1`],
    ['--api-key', marker],
    ['-pass', marker],
    [`DB_SECRET=${marker}`],
    [`postgres://user:${marker}@host/db`],
    [`--url=https://u:${marker}@host/?apiKey=${marker}&page=1`],
    [`https://host/?a=1?secret=${marker}`],
    [`https://host/;password=${marker}`],
    [`redis://${marker}@h1,redis://${marker}@h2`],
    [`--password:${marker}`],
    [`X-Api-Key: ${marker}`],
    [`PASS=${marker} ${marker}`],
    [`--config={"password":"${marker}"}`],
    [`const password = '${marker}'`],
    [`--env.db.secret=${marker}`],
    [`--url=http://h/?%70assword=${marker}`],
    [`--cb=http%3A%2F%2Fh%2F%3Fpassword%3D${marker}`],
    [`--cb=http%253A%252F%252Fh%252F%253Fpassword%253D${marker}`],
    [`--db=http%3A%2F%2Fu:${marker}%40h`],
    [`--db=http://u:${marker}%40h`],
    [`http%3A%2F%2Fu:${marker}%40h`],
    ['--password', `-${marker}`],
    ['--password', `--${marker}!`],
    ['-H', `Authorization: Bearer ${marker}`],
    ['-H', `authorization:${marker}`],
    [`-HAuthorization: Bearer ${marker}`],
    [`--header=Proxy-Authorization: Basic ${marker}`],
    ['-H', `Cookie: a=b; sid=${marker}`],
    ['--cookie', marker],
    [`{"authorization":"Basic ${marker}"}`],
  ];
  for (const args of secret) assert.ok(!redactArguments(args).join(' ').includes(marker), args.join(' '));
  const harmless = [
    '--use-key',
    '--port=81',
    'a%20b',
    '--x=http%3A%2F%2Fkeycloak%3A80%2F',
    'cookie.js',
    'app.js',
    '--port=80',
    '--require',
    './x.js',
    'https://host/a@b?page=1',
    '--',
    '-',
  ];
  assert.deepEqual(redactArguments(harmless), harmless);
  assert.deepEqual(redactArguments(['--url=https://h/?apiKey=x&page=1']), [
    '--url=https://h/?apiKey=<redacted>&page=1',
  ]);
});

test('redacts by the words of the rule, besides the usual ones', () => {
  const isToken = (name: string): boolean => name === 'token';
  const args = ['--token=m', '--token', 'm', 'token=m', 'https://h/?token=m', '{"token":"m"}', '--password=m'];
  assert.ok(!redactArguments(args, isToken).some((argument) => /m(?!s)/.test(argument.replaceAll(/--|https/g, ''))));
  assert.deepEqual(redactArguments(['--token=m', '--tokens=m']), ['--token=m', '--tokens=m']);
});

test('redacts credentials in the ranges of package.json', () => {
  assert.equal(redactUrls('git+https://user:m@host/x.git#v1'), 'git+https://<redacted>@host/x.git#v1');
  for (const range of ['^1.2.3', 'npm:other@1', 'file:../x', 'user/repository#semver:^1'])
    assert.equal(redactUrls(range), range);
});

test('takes linear time for hostile arguments', () => {
  const pieces = ['key', '://', 'a.', '@', '?', 'a=', '-', 'pass:', '"key":"', "'", '\\"', 'cookie ', '%', 'a%3a'];
  assertLinearTime((length) => void redactArguments(pieces.map((piece) => piece.repeat(length / piece.length))));
});
