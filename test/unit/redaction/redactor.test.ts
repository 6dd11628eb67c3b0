import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Redactor } from '../../../src/redaction/redactor.js';
import type { SecretsRule } from '../../../src/redaction/secret-names.js';
import { queryOf, sanitizeUrl } from '../../../src/redaction/url.js';
import { assertLinearTime } from '../../support/linear-time.js';

interface Vectors {
  matchers: {
    matcher: SecretsRule['matcher'];
    list: string[];
    redactedQuery: string;
  }[];
  defaultMatcherQueries: { query: string; redacted: string | null }[];
}

// Recorded from the official sensor.
const vectors = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/secrets.json'), 'utf8')) as Vectors;

const original =
  'key=0&apiKey=1&KEY=2&pass=3&Password=4&secret=5&client_secret=6&token=7&sessionId=8&id=9&=10&flag&a=b=c&key%20x=1';
const byDefault: SecretsRule = { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] };

describe('secrets as the official sensor recognises them', () => {
  for (const { matcher, list, redactedQuery } of vectors.matchers) {
    const secrets = new Redactor({ matcher, keywords: list });
    it(`${matcher} ${JSON.stringify(list)} redacts a query`, () =>
      assert.equal(secrets.redactQuery(original), redactedQuery));
  }

  for (const { query, redacted } of vectors.defaultMatcherQueries) {
    it(`${JSON.stringify(query)} becomes ${JSON.stringify(redacted)}`, () =>
      assert.equal(new Redactor(byDefault).redactQuery(query), redacted ?? undefined));
  }
});

describe('secrets where the official sensor is wrong', () => {
  it('everything behind the first question mark is redacted', () => {
    assert.equal(new Redactor(byDefault).redactQuery(queryOf('/?a=1?key=2')), 'a=1?key=<redacted>');
  });
});

describe('secrets', () => {
  const secrets = new Redactor(byDefault);

  it('are found in names that are percent-encoded', () => {
    assert.equal(
      secrets.redactQuery('p%61ssword=1&user%5Bpassword%5D=2'),
      'p%61ssword=<redacted>&user%5Bpassword%5D=<redacted>',
    );
  });

  it('are found behind every separator, and the separators stay', () => {
    assert.equal(secrets.redactQuery('a=1;password=x;b=2&key=y'), 'a=1;password=<redacted>;b=2&key=<redacted>');
  });

  it('do not throw for queries that cannot be decoded', () => {
    assert.equal(secrets.redactQuery('%E0%A4%A=1&%zzkey=2'), '%E0%A4%A=1&%zzkey=<redacted>');
  });

  it('take time that grows no faster than the query', () => {
    assertLinearTime((length) => void secrets.redactQuery('key%'.repeat(length / 4)));
  });
});

describe('every matcher', () => {
  const rules: readonly SecretsRule[] = [
    { matcher: 'equals', keywords: ['password'] },
    { matcher: 'equals-ignore-case', keywords: ['PassWord'] },
    { matcher: 'contains', keywords: ['passw'] },
    { matcher: 'contains-ignore-case', keywords: ['PASSW'] },
    { matcher: 'regex', keywords: ['x', 'pass\\w+'] },
  ];
  const hidden = [
    'password=m',
    'p%61ssword=m',
    '%70%61%73%73%77%6F%72%64=m',
    'password',
    'password=a=m',
    'password=%6d',
  ];
  const shown = ['user=joe', '%zz=1', '%E4=2', 'q=password', ''];
  for (const rule of rules) {
    it(`${rule.matcher} finds names as they stand and decoded, behind all separators, wherever they are`, () => {
      const secrets = new Redactor(rule);
      for (const separator of ['&', ';', '?', '&&', ';;', '?&']) {
        for (const parameter of hidden) {
          for (const other of shown) {
            const name = parameter.split('=')[0];
            const query = [other, parameter, other, parameter].join(separator);
            const expected = [other, `${name}=<redacted>`, other, `${name}=<redacted>`].join(separator);
            assert.equal(secrets.redactQuery(query), expected);
          }
        }
      }
    });
  }

  it('none finds no name, but credentials are no matter of names', () => {
    const secrets = new Redactor({ matcher: 'none', keywords: ['password'] });
    for (const query of [...hidden, ...shown.filter((one) => one !== '')])
      assert.equal(secrets.redactQuery(query), query);
    assert.equal(secrets.redactQuery('to=http://u:m@h/'), 'to=http://<redacted>:<redacted>@h/');
  });
});

describe('names that are encoded wrongly', () => {
  const secrets = new Redactor(byDefault);
  it('are decoded as far as that goes', () => {
    for (const name of ['%zzp%61ss', 'p%61ss%', '%E0%A4%70%61%73%73', '%70%61%73%73%E4', '%ff%6bey', 'p%61ss%2'])
      assert.equal(secrets.redactQuery(`${name}=m`), `${name}=<redacted>`, name);
  });
});

describe('credentials in the value of a parameter', () => {
  const secrets = new Redactor(byDefault);
  const rows: readonly (readonly [string, string])[] = [
    ['to=http://u:m@h/x&a=1', 'to=http://<redacted>:<redacted>@h/x&a=1'],
    ['to=http%3A%2F%2Fu%3Am%40h%2Fx&a=1', 'to=http%3A%2F%2F<redacted>%40h%2Fx&a=1'],
    ['to=http%3a%2f%2fu%3am%40h', 'to=http%3a%2f%2f<redacted>%40h'],
    ['a=%2F%2Fh%2Fx%40y', 'a=%2F%2Fh%2Fx%40y'],
    ['a=%2F%2Fh%3Fx%40y', 'a=%2F%2Fh%3Fx%40y'],
    ['mail=joe@example.com&mail=joe%40example.com', 'mail=joe@example.com&mail=joe%40example.com'],
  ];
  for (const [query, shown] of rows)
    it(`${query} becomes ${shown}`, () => assert.equal(secrets.redactQuery(query), shown));
});

describe('what is hidden in encoded text', () => {
  const secrets = new Redactor(byDefault);
  const queries: readonly (readonly [string, string])[] = [
    ['next=http%3A%2F%2Fh%2F%3Fpassword%3Dm&a=1', 'next=<redacted>&a=1'],
    ['next=http%253A%252F%252Fh%252F%253Fpassword%253Dm', 'next=<redacted>'],
    ['a=%26password=m', 'a=<redacted>'],
    ['a%26password=m', 'a%26password=<redacted>'],
    ['a=b%3Bpassword=m', 'a=<redacted>'],
    ['a=%3Fpassword%3Dm', 'a=<redacted>'],
    ['a=password%3Dm', 'a=<redacted>'],
    ['a%3D1%26password%3Dm', '<redacted>=<redacted>'],
    ['q=%7B%22password%22%3A%22m%22%7D', 'q=<redacted>'],
    ['u=https%3A//u:m%40h/', 'u=https%3A//<redacted>%40h/'],
    ['u=https:%2F%2Fu:m@h/', 'u=https:%2F%2F<redacted>@h/'],
    ['u=//u:m%40h', 'u=//<redacted>%40h'],
    ['u=redis%3A%2F%2F:m@h', 'u=redis%3A%2F%2F<redacted>@h'],
    ['u=http%253A%252F%252Fu%253Am%2540h', 'u=<redacted>'],
    ['u=http%3A%2F%2Fa%40u:m@h', 'u=http%3A%2F%2F<redacted>@h'],
    ['http://u:m@key=1', 'http://<redacted>:<redacted>@key=<redacted>'],
  ];
  for (const [query, shown] of queries)
    it(`${query} becomes ${shown}`, () => assert.equal(secrets.redactQuery(query), shown));

  it('credentials are no matter of names', () => {
    const none = new Redactor({ matcher: 'none', keywords: [] });
    assert.equal(
      none.redactQuery('u=https:%2F%2Fu:m@h/&u=http%253A%252F%252Fu%253Am%2540h'),
      'u=https:%2F%2F<redacted>@h/&u=<redacted>',
    );
  });

  it('leaves alone what has no secret', () => {
    for (const query of [
      'next=http%3A%2F%2Fkeycloak%3A8080%2Fpass%3Fa%3D1%26b%3D2',
      'data=aGVsbG9rZXk%3D',
      'data=aGVsbG9rZXk%3D%3D',
      'q=100%25',
      'q=%7B%22a%22%3A%22key%22%7D',
      'when=12%3A30',
      'mail=joe%2540example.com',
    ])
      assert.equal(secrets.redactQuery(query), query);
    for (const path of ['/a%20b/c%2Fd', '/%7Bkey%7D', '/key%3D', '/a%40b'])
      assert.equal(secrets.redactPath(path), path);
  });

  it('is found in paths, texts and headers', () => {
    assert.equal(secrets.redactPath('/%2F%2Fu:m@h'), '/%2F%2F<redacted>@h');
    assert.equal(secrets.redactPath('/to/http%3A%2F%2Fu%3Am%40h/x'), '/to/http%3A%2F%2F<redacted>%40h/x');
    assert.equal(secrets.redactPath('/a%3Fpassword%3Dm/b'), '/<redacted>/b');
    assert.equal(secrets.redactHeader('x-url', 'http%3A%2F%2Fu%3Am%40h'), 'http%3A%2F%2F<redacted>%40h');
    assert.equal(secrets.redactText('at http%3A%2F%2Fh%2F%3Fpassword%3Dm now'), 'at <redacted> now');
    assert.equal(secrets.redactTag('x', '/a?next=%3Fpassword%3Dm'), '/a?next=<redacted>');
  });
});

describe('secrets outside the query', () => {
  const secrets = new Redactor({ matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] });

  it('are redacted in matrix parameters', () => {
    assert.equal(secrets.redactPath('/a;password=x;v=1/b;p%61ss=y'), '/a;password=<redacted>;v=1/b;p%61ss=<redacted>');
    assert.equal(secrets.redactPath('/a;v=1;w/b%20c'), '/a;v=1;w/b%20c');
    assert.equal(secrets.redactPath('/a%3Fpassword=x&key=y/b'), '/a%3Fpassword=<redacted>&key=<redacted>/b');
    assert.equal(secrets.redactPath('/password/key;/x=1'), '/password/key;/x=1');
  });

  it('are redacted in the text of an error', () => {
    assert.equal(
      secrets.redactText('Error: GET http://u:p@w@host/a?x=1&password=m failed'),
      'Error: GET http://<redacted>:<redacted>@host/a?x=1&password=<redacted> failed',
    );
    assert.equal(secrets.redactText('Error: connect ECONNREFUSED ::1:80'), 'Error: connect ECONNREFUSED ::1:80');
    const rows: readonly (readonly [string, string])[] = [
      [`password="m m" x`, `password="<redacted>" x`],
      [`{ password: 'm\\'m', a: 'b' }`, `{ password: '<redacted>', a: 'b' }`],
      ['{"a":1,"dbPassword" : "m\\"m","b":"c"}', '{"a":1,"dbPassword" : "<redacted>","b":"c"}'],
      [`body: '{"password":"m"}'`, `body: '{"password":"<redacted>"}'`],
      ['{\\"password\\":\\"m\\"}', '{\\"password\\":\\"<redacted>'],
      ['"password":"m', '"password":"<redacted>'],
      ['TypeError: key: not a text', 'TypeError: key: not a text'],
      ['KeyError: nothing found', 'KeyError: nothing found'],
      ['no key: m', 'no key: <redacted>'],
      ['login failed, password: m for joe', 'login failed, password: <redacted> for joe'],
      ['{ password: m,m, user: joe }', '{ password: <redacted>, user: joe }'],
      ['{"secret": 7, "a": 1}', '{"secret": <redacted>, "a": 1}'],
      ['sent Authorization: Bearer m\nto h', 'sent Authorization: <redacted>\nto h'],
      ['Cookie: a=m; b=m', 'Cookie: <redacted>'],
      ['{"authorization":"Basic m"}', '{"authorization":"<redacted>"}'],
      ['http://keycloak:8080/ refused', 'http://keycloak:8080/ refused'],
      ['getaddrinfo ENOTFOUND u:m@h', 'getaddrinfo ENOTFOUND <redacted>:<redacted>@h'],
      ['connect :m@h:1', 'connect <redacted>:<redacted>@h:1'],
      ['mailto:joe@h npm:a@1 joe@h 12:30', 'mailto:joe@h npm:a@1 joe@h 12:30'],
    ];
    for (const [text, shown] of rows) assert.equal(secrets.redactText(text), shown);
  });

  it('are redacted in tags, where URLs and queries are taken apart as such', () => {
    const rows: readonly (readonly [string, string, string])[] = [
      [
        'http.url',
        'https://u:m@h/a;key=m?b=1&pass=m#secret=m',
        'https://<redacted>:<redacted>@h/a;key=<redacted>?b=1&pass=<redacted>#secret=<redacted>',
      ],
      ['anything', '/a?b=1&p%61ss=m(m', '/a?b=1&p%61ss=<redacted>'],
      ['http.params', 'b=1&pass=m(m', 'b=1&pass=<redacted>'],
      ['http.params', '', ''],
      ['db.statement', 'SELECT 1', 'SELECT 1'],
      ['http.host', 'u:m@h', '<redacted>@h'],
      ['http.host', 'm@h:1', '<redacted>@h:1'],
      ['peer.address', 'u:m@h:1', '<redacted>@h:1'],
      ['address', 'u:m@h:1', '<redacted>:<redacted>@h:1'],
      ['peer.address', '10.0.0.1:80', '10.0.0.1:80'],
      ['db.url', 'postgres://u:m@h/db', 'postgres://<redacted>:<redacted>@h/db'],
      ['text', 'tried http://u:m@h/ with key=m', 'tried http://<redacted>:<redacted>@h/ with key=<redacted>'],
    ];
    for (const [name, text, shown] of rows) assert.equal(secrets.redactTag(name, text), shown);
  });

  it('are redacted in captured headers, and those for credentials always', () => {
    const none = new Redactor({ matcher: 'none', keywords: [] });
    for (const name of ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])
      assert.equal(none.redactHeader(name, 'm'), '<redacted>');
    assert.equal(secrets.redactHeader('x-api-key', 'm'), '<redacted>');
    assert.equal(secrets.redactHeader('location', '/a?secret=m&x=1'), '/a?secret=<redacted>&x=1');
    assert.equal(none.redactHeader('x-api-key', 'm'), 'm');
  });

  it('cost time in proportion to the text', () => {
    assertLinearTime((length) => {
      const pieces = [
        '//',
        '=%',
        '//a',
        'a@',
        '"key":"',
        "key='",
        'key',
        '%2f%2f%40',
        ';key=',
        '%3f',
        '%2f%2fa',
        '%252f%2540',
        '%26a',
        'a%3d',
        '%22key%22%3a',
        'u:a',
        'pass: ',
        '\\"',
        ': ',
        ' ',
        '%',
        'a=',
        '?',
      ];
      const texts = [...pieces.map((piece) => piece.repeat(length / piece.length)), `${'a'.repeat(length)}pass=`];
      for (const text of texts) {
        secrets.redactText(text);
        secrets.redactTag('http.url', `/${text}`);
        secrets.redactQuery(text);
        secrets.redactPath(text);
        sanitizeUrl(`/${text}`);
        sanitizeUrl(`x:${text}`);
      }
    });
  });
});
