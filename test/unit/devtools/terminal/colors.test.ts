// Colours, and text that is safe to print.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createColors, toPrintable, wantsColors } from '../../../../src/devtools/terminal/colors.js';

test('uses colours only for a terminal whose user did not switch them off', () => {
  assert.equal(wantsColors({ isTTY: true }, {}), true);
  assert.equal(wantsColors({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(wantsColors({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(wantsColors({ isTTY: false }, {}), false);
  assert.equal(createColors(true).red('x'), '\u001b[31mx\u001b[39m');
  assert.equal(createColors(false).red('x'), 'x');
});

test('replaces characters that control the terminal or hide text by their code', () => {
  assert.equal(toPrintable('a\u001b[2J\r\n\u202eb', 40), 'a\\u{1b}[2J\\u{d}\\u{a}\\u{202e}b');
});

test('cuts by characters', () => {
  assert.equal(toPrintable('a'.repeat(1e6), 10), 'aaaaaaaaa…');
  assert.equal(toPrintable('\u{1f600}'.repeat(4), 3), '\u{1f600}\u{1f600}…');
  assert.equal(toPrintable('\u{1f600}'.repeat(3), 3), '\u{1f600}'.repeat(3));
});
