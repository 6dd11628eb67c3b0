// Headers that are made to be slow to read take time in proportion to their length.
import { describe, it } from 'node:test';
import { extractTextMap } from '../../../src/opentracing/carriers.js';
import { TraceHeaderReader } from '../../../src/propagation/trace-headers.js';
import { assertLinearTime } from '../../support/linear-time.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const fill = (text: string, length: number): string => text.repeat(Math.ceil(length / text.length)).slice(0, length);
const keys = (length: number): string => Array.from({ length: length / 8 }, (_, index) => `k${index}=1`).join();

const values: Record<string, (length: number) => string> = {
  commas: (length) => fill(',', length),
  'commas and blanks': (length) => fill(', ', length),
  blanks: (length) => ` ${fill(' \t', length)}x`,
  'blanks and a comma': (length) => `a=1${fill(' ', length)},b=2`,
  'equals signs': (length) => fill('=', length),
  semicolons: (length) => `a=1${fill(';', length)}`,
  properties: (length) => `a=1${fill(';p=1 ', length)}`,
  dashes: (length) => fill('-', length),
  'members without values': (length) => fill('a,', length),
  'members of one key': (length) => fill('a=1,', length),
  'members of many keys': keys,
  'our own member again and again': (length) => fill('in=1;2,', length),
  'our own member without an end': (length) => `in=${fill(';', length)}`,
  'at signs': (length) => fill('a@=1,', length),
  'one key of at signs': (length) => `a${fill('@', length)}`,
  'members that are dropped first': (length) => fill(`a=${'1'.repeat(200)},b=1,`, length),
  'one key': (length) => fill('a', length),
  'one value': (length) => `a=${fill('b', length)}`,
  digits: (length) => fill('0', length),
  'a context and more': (length) => `cc${traceparent.slice(2)}-${fill('-', length)}`,
  'a level and blanks': (length) => `${fill(' ', length)}0${fill(' ', length)}`,
  correlation: (length) => `1,${fill('correlationType=web;', length)}`,
  latin1: (length) => fill('\u00e4', length),
};
const names = ['X-INSTANA-T', 'X-INSTANA-S', 'X-INSTANA-L', 'traceparent', 'tracestate', 'baggage'];

describe('a long header', () => {
  const reader = new TraceHeaderReader();
  for (const [what, make] of Object.entries(values)) {
    it(`that has ${what} is read in linear time`, () => {
      assertLinearTime((length) => {
        const value = make(length);
        for (const name of names) {
          const rest = name === 'traceparent' ? [] : ['traceparent', traceparent, 'X-INSTANA-S', '1'];
          reader.read([...rest, name, value]);
          extractTextMap({ [name]: value, 'x-instana-b-x': value }, true);
        }
      });
    });
  }

  it('in many lines is read in linear time', () => {
    for (const name of names) {
      for (const value of ['', 'a=1', ' , ', 'in=1;2']) {
        assertLinearTime((length) => {
          const raw = ['traceparent', traceparent];
          for (let line = 0; line < length / 4; line++) raw.push(name, value);
          reader.read(raw);
        });
      }
    }
  });
});
