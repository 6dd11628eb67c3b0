// Responses of agents and of other servers, cut at every byte.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ResponseParser } from '../../../src/transport/response-parser.js';

interface Case {
  readonly name: string;
  readonly bytes: string;
  readonly isHead?: boolean;
  /** The connection ends behind the bytes. */
  readonly ends?: 'clean' | 'broken';
  readonly expected: { status?: number; text?: string; isComplete?: boolean; isReusable: boolean; state: string };
}

const whole = { status: 200, text: '{"a":1}', isComplete: true, isReusable: true, state: 'done' };

const cases: Case[] = [
  { name: 'of known length', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a":1}', expected: whole },
  { name: 'without a reason', bytes: 'HTTP/1.1 200\r\nContent-Length:7\r\n\r\n{"a":1}', expected: whole },
  {
    name: 'in chunks, with extensions and trailers',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;x=y\r\n{"a\r\n004 \r\n":1}\r\n0\r\nX-T: 1\r\n\r\n',
    expected: whole,
  },
  {
    name: 'until the connection ends',
    bytes: 'HTTP/1.1 200 OK\r\n\r\n{"a":1}',
    ends: 'clean',
    expected: { ...whole, isReusable: false },
  },
  {
    name: 'until the connection breaks',
    bytes: 'HTTP/1.1 200 OK\r\n\r\n{"a":1}',
    ends: 'broken',
    expected: { ...whole, isComplete: false, isReusable: false, state: 'reading' },
  },
  {
    name: 'cut short',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":1}',
    ends: 'clean',
    expected: { ...whole, isComplete: false, isReusable: false, state: 'reading' },
  },
  {
    name: 'of a connection that is not kept',
    bytes: 'HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 7\r\n\r\n{"a":1}',
    expected: { ...whole, isReusable: false },
  },
  {
    name: 'of HTTP/1.0',
    bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
    expected: { ...whole, isReusable: false },
  },
  {
    name: 'after interim ones',
    bytes:
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
    expected: whole,
  },
  {
    name: 'to HEAD',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n',
    isHead: true,
    expected: { ...whole, text: '' },
  },
  { name: '204', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', expected: { ...whole, status: 204, text: '' } },
  {
    name: 'with a chunk of no size',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    expected: { status: 200, text: '', isComplete: false, isReusable: false, state: 'done' },
  },
  { name: 'of SSH', bytes: 'SSH-2.0-OpenSSH_9.6\r\n', expected: { isReusable: false, state: 'broken' } },
  { name: 'of HTTP/2', bytes: 'HTTP/2 200 OK\r\n\r\n', expected: { isReusable: false, state: 'broken' } },
  {
    name: 'with a head of no end',
    bytes: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`,
    expected: { isReusable: false, state: 'broken' },
  },
];

function read({ bytes, isHead, ends }: Case, pieces: readonly Buffer[]): ResponseParser {
  const reader = new ResponseParser(isHead === true);
  assert.ok(reader.isUntouched, bytes);
  for (const piece of pieces) reader.push(piece);
  if (ends !== undefined) reader.end(ends === 'clean');
  return reader;
}

for (const one of cases) {
  test(`reads a response ${one.name}`, () => {
    const bytes = Buffer.from(one.bytes, 'latin1');
    const splits = [[bytes], Array.from(bytes, (byte) => Buffer.from([byte]))];
    const step = Math.max(1, Math.floor(bytes.length / 200));
    for (let at = 1; at < bytes.length; at += step) splits.push([bytes.subarray(0, at), bytes.subarray(at)]);
    for (const pieces of splits) {
      const reader = read(one, pieces);
      const { status, text, isComplete } = reader.response();
      const { isReusable, state } = reader;
      assert.deepEqual(
        'status' in one.expected ? { status, text, isComplete, isReusable, state } : { isReusable, state },
        one.expected,
      );
    }
  });
}

test('stops reading at 1 MiB, in one piece and in chunks', () => {
  const piece = Buffer.alloc(65_536, 'x');
  for (const framing of ['Content-Length: 100000000', 'X: y']) {
    const reader = new ResponseParser(false);
    reader.push(Buffer.from(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`));
    let pushed = 0;
    while (reader.state === 'reading' && pushed++ < 100) reader.push(piece);
    const { text, isComplete } = reader.response();
    assert.deepEqual([pushed, isComplete, text.length], [17, false, 1024 * 1024]);
  }
});

test('reads anything at all without an error', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const words = [
    'HTTP/1.1 ',
    '200',
    ' OK',
    '\r\n',
    '\n',
    ':',
    'Content-Length',
    'Transfer-Encoding: chunked',
    ' 5',
    '0',
    'ff',
    '\0',
    'é',
    '-1',
  ];
  for (let round = 0; round < 5000; round++) {
    const reader = new ResponseParser(random(4) === 0);
    for (let piece = 0; piece < 12; piece++) {
      reader.push(Buffer.from(Array.from({ length: random(6) }, () => words[random(words.length)]).join('')));
    }
    reader.end(random(2) === 0);
    assert.equal(typeof reader.response().text, 'string');
  }
});
