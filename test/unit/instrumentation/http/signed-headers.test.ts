import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coversTraceHeader, presignsTraceHeader } from '../../../../src/instrumentation/http/signed-headers.js';
import { assertLinearTime } from '../../../support/linear-time.js';

describe('a signature in a header covers a trace header', () => {
  const covered: readonly (readonly [what: string, name: string, value: unknown])[] = [
    ['AWS', 'authorization', 'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;traceparent, Signature=c'],
    ['AWS without blanks', 'authorization', 'AWS4-HMAC-SHA256 Credential=a,SignedHeaders=tracestate;x-a,Signature=c'],
    ['AWS with more blanks', 'authorization', 'AWS4-HMAC-SHA256  SignedHeaders = host ; X-Instana-T , Signature=c'],
    [
      'AWS with blanks only',
      'authorization',
      'AWS4-HMAC-SHA256 Credential=a SignedHeaders=host;x-instana-l Signature=c',
    ],
    [
      'AWS version 4A',
      'authorization',
      'AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=host;traceparent, Signature=c',
    ],
    ['AWS for a proxy', 'proxy-authorization', 'AWS4-HMAC-SHA256 SignedHeaders=host;traceparent, Signature=c'],
    ['Google', 'authorization', 'GOOG4-RSA-SHA256 Credential=a, SignedHeaders=host;traceparent, Signature=c'],
    ['Azure', 'authorization', 'HMAC-SHA256 Credential=a&SignedHeaders=x-ms-date;host;traceparent&Signature=c'],
    ['Alibaba', 'authorization', 'ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;x-instana-s,Signature=c'],
    ['Alibaba OSS', 'authorization', 'OSS4-HMAC-SHA256 Credential=a,AdditionalHeaders=host;traceparent,Signature=c'],
    ["Alibaba's gateway", 'x-ca-signature-headers', 'x-ca-key,TraceParent'],
    ['Tencent', 'authorization', 'TC3-HMAC-SHA256 Credential=a, SignedHeaders=content-type;traceparent, Signature=c'],
    ['Tencent COS', 'authorization', 'q-sign-algorithm=sha1&q-ak=a&q-header-list=host;traceparent&q-signature=c'],
    ['Baidu', 'authorization', 'bce-auth-v1/a/2026-01-01T00:00:00Z/1800/host;traceparent/c'],
    ['Oracle', 'authorization', 'Signature version="1",headers="date (request-target) traceparent",keyId="k"'],
    ['the draft', 'signature', 'keyId="k",algorithm="a",headers="(request-target) host Tracestate",signature="c"'],
    ['RFC 9421', 'signature-input', 'sig1=("@method" "traceparent");created=1'],
    ['RFC 9421, with parameters', 'signature-input', 'sig1=("x-instana-t";sf "@method";req);created=1;tag="a b"'],
    ['RFC 9421, second signature', 'signature-input', 'a=("@path");created=1, b=( "tracestate" );keyid="k"'],
    ['RFC 9421, second line', 'signature-input', ['a=("@path")', 'b=("traceparent")']],
  ];
  for (const [what, name, value] of covered) it(`of ${what}`, () => assert.equal(coversTraceHeader(name, value), true));

  const others: readonly (readonly [what: string, name: string, value: unknown])[] = [
    [
      'names other headers',
      'authorization',
      'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;x-amz-date, Signature=c',
    ],
    [
      'names longer headers',
      'authorization',
      'AWS4-HMAC-SHA256 SignedHeaders=host;x-traceparent;traceparents, Signature=c',
    ],
    [
      'has the name in its key',
      'authorization',
      'AWS4-HMAC-SHA256 Credential=traceparent/a, SignedHeaders=host, Signature=c',
    ],
    ['is no list of headers', 'authorization', 'Bearer traceparent'],
    ['names baggage only, which is never replaced', 'signature-input', 'a=("baggage")'],
    ['has the name in a parameter', 'signature-input', 'a=("@query-param";name="traceparent");tag="traceparent"'],
    ['has no list', 'signature', 'sig1=:dHJhY2VwYXJlbnQ=:'],
    ['is another header', 'x-a', 'SignedHeaders=traceparent'],
    ['is a number', 'authorization', 7],
  ];
  for (const [what, name, value] of others)
    it(`unless it ${what}`, () => assert.equal(coversTraceHeader(name, value), false));
});

describe('a signature in a URL covers a trace header', () => {
  for (const query of [
    'a=1&X-Amz-SignedHeaders=host%3Btraceparent&X-Amz-Signature=c',
    'x-amz-signedheaders=host%3btraceparent',
    'X-Amz-SignedHeaders=host;X-INSTANA-T',
    'X%2DAmz%2DSignedHeaders=tracestate',
    'X-Goog-SignedHeaders=host%3Btraceparent',
    'x-oss-additional-headers=host%3Btraceparent',
    'X-SignedHeaders=host;traceparent',
    'q-header-list=host;traceparent',
    'authorization=bce-auth-v1%2Fa%2F2026%2F1800%2Fhost%3Btraceparent%2Fc',
    'X-Amz-SignedHeaders=host%3Btraceparent%3B%zz',
  ])
    it(query, () => assert.equal(presignsTraceHeader(`/a?${query}`), true));

  for (const path of [
    '/a',
    '/a?',
    '/a?X-Amz-SignedHeaders=host',
    '/a?headers=traceparent',
    '/a?q=SignedHeaders%3Dtraceparent',
    '/X-Amz-SignedHeaders=traceparent?a=1',
    '/a?X-Amz-SignedHeaders',
    undefined,
    7,
  ])
    it(`unless the path is ${String(path)}`, () => assert.equal(presignsTraceHeader(path), false));
});

describe('signatures', () => {
  it('are read in a time that grows with their length', () => {
    for (const part of ['headers=', 'SignedHeaders="', ' ', '("', ';', '/', 'bce-auth-v1/', '&a=%']) {
      assertLinearTime((length) => {
        const text = part.repeat(length / part.length);
        coversTraceHeader('authorization', text);
        coversTraceHeader('signature-input', text);
        presignsTraceHeader(`/?${text}`);
      });
    }
  });
});
