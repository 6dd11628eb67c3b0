// What traces look like in the terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReceivedSpan, readSpan } from '../../../../src/devtools/store/received-span.js';
import { createColors, toPrintable } from '../../../../src/devtools/terminal/colors.js';
import { drawTrace } from '../../../../src/devtools/terminal/trace-tree.js';
import { idOf, twoServiceTrace, wireSpan } from '../support.js';

const plain = createColors(false);
const serviceOf = ({ span, pid }: ReceivedSpan) => String(span.data.service ?? `pid ${pid}`);

function received(spans: readonly unknown[]): ReceivedSpan[] {
  return spans.map((span, index) => readSpan(span, 1, 100, index)).filter((span) => span !== null);
}

function draw(spans: readonly unknown[]): string {
  return drawTrace(received(spans), serviceOf, plain);
}

test('draws a call of one service to another as a tree with aligned columns', () => {
  assert.equal(
    draw(twoServiceTrace(idOf(0xabc)).flat().reverse()),
    [
      'storefront  GET /orders/:id             200  34 ms  0000000000000abc',
      '└─ calls http://127.0.0.1:4002/stock/7  200  12 ms',
      '   └─ inventory  GET /stock/:sku        200   9 ms',
    ].join('\n'),
  );
});

test('shows the text of an error beside its span', () => {
  const http = { method: 'POST', path_tpl: '/pay', status: 500, error: 'Error: declined' };
  assert.equal(
    draw([wireSpan({ service: 'shop', ec: 1, http })]),
    'shop  POST /pay  500  5 ms  Error: declined  00000000000000aa',
  );
});

test('shows calls that look the same as one line', () => {
  const calls = [1, 2, 3].map((number) =>
    wireSpan({
      s: idOf(number),
      p: '00000000000000bb',
      k: 2,
      n: 'redis',
      d: 2,
      data: { redis: { command: 'get', connection: 'c' } },
    }),
  );
  const text = draw([wireSpan({ service: 'shop', http: { method: 'GET', url: '/' } }), ...calls]);
  assert.equal(text.split('\n').length, 2);
  assert.match(text, /└─ redis get c +6 ms {2}× 3$/);
});

test('cuts a trace of very many spans and says how many are missing', () => {
  const spans = Array.from({ length: 20_000 }, (_, index) =>
    wireSpan({ s: idOf(index + 1), p: idOf(Math.floor(index / 3)), ts: index }),
  );
  const lines = draw(spans).split('\n');
  assert.ok(lines.length <= 30);
  assert.match(lines.at(-1) ?? '', /\.\.\. and 19,?976 more/);
});

test('draws rings of parents, a span that is its own parent, and very deep traces', () => {
  assert.equal(
    draw([wireSpan({ s: idOf(1), p: idOf(2) }), wireSpan({ s: idOf(2), p: idOf(1) })]).split('\n').length,
    2,
  );
  assert.equal(draw([wireSpan({ s: idOf(1), p: idOf(1) })]).split('\n').length, 1);
  const deep = Array.from({ length: 5000 }, (_, index) => wireSpan({ s: idOf(index + 1), p: idOf(index) }));
  assert.match(draw(deep), /and 4989 more/);
});

test('lets no control character of a span reach the terminal', () => {
  const evil = '\u001b]0;title\u0007\u001b[2J\r\n\u202egnp.\u009b1m';
  const http = { method: evil, url: evil, status: evil, error: evil };
  const text = draw([
    wireSpan({ service: evil, ec: 1, http, data: { [evil]: evil } }),
    wireSpan({ s: idOf(1), k: 2, http }),
  ]);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.ok(text.split('\n').every((line) => line.length < 500));
  assert.equal(toPrintable('a'.repeat(1e6), 10), 'aaaaaaaaa…');
});

test('draws the same tree with colours', () => {
  const coloured = drawTrace(received(twoServiceTrace(idOf(1)).flat()), serviceOf, createColors(true));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), draw(twoServiceTrace(idOf(1)).flat()));
  assert.notEqual(coloured, draw(twoServiceTrace(idOf(1)).flat()));
});
