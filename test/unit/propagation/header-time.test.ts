// Headers that are made to be slow to read: twice as much of them takes about twice as long.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extractTextMap } from '../../../src/opentracing/carriers.js';
import { TraceHeaderReader } from '../../../src/propagation/trace-headers.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const size = 64 * 1024;
/** A second factor of two is for a machine that does something else meanwhile; what is quadratic would be far beyond it. */
const tolerated = 4;
/** Below it a reading says nothing about growth, and is fast enough. */
const negligibleMs = 0.3;

const fill = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
const keys = (bytes: number): string => Array.from({ length: bytes / 8 }, (_, index) => `k${index}=1`).join();

const values: Record<string, (bytes: number) => string> = {
  commas: (bytes) => fill(',', bytes),
  'commas and blanks': (bytes) => fill(', ', bytes),
  blanks: (bytes) => ` ${fill(' \t', bytes)}x`,
  'blanks and a comma': (bytes) => `a=1${fill(' ', bytes)},b=2`,
  'equals signs': (bytes) => fill('=', bytes),
  semicolons: (bytes) => `a=1${fill(';', bytes)}`,
  properties: (bytes) => `a=1${fill(';p=1 ', bytes)}`,
  dashes: (bytes) => fill('-', bytes),
  'members without values': (bytes) => fill('a,', bytes),
  'members of one key': (bytes) => fill('a=1,', bytes),
  'members of many keys': keys,
  'our own member again and again': (bytes) => fill('in=1;2,', bytes),
  'our own member without an end': (bytes) => `in=${fill(';', bytes)}`,
  'one key': (bytes) => fill('a', bytes),
  'one value': (bytes) => `a=${fill('b', bytes)}`,
  digits: (bytes) => fill('0', bytes),
  'a context and more': (bytes) => `cc${traceparent.slice(2)}-${fill('-', bytes)}`,
  'a level and blanks': (bytes) => `${fill(' ', bytes)}0${fill(' ', bytes)}`,
  correlation: (bytes) => `1,${fill('correlationType=web;', bytes)}`,
  latin1: (bytes) => fill('\u00e4', bytes),
};
const names = ['X-INSTANA-T', 'X-INSTANA-S', 'X-INSTANA-L', 'traceparent', 'tracestate', 'baggage'];

/** The best of several: what else the machine does makes a reading slower, never faster. */
function bestMs(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const startMs = performance.now();
    run();
    best = Math.min(best, performance.now() - startMs);
  }
  return best;
}

function assertLinear(what: string, run: (bytes: number) => () => void): void {
  const ratios: number[] = [];
  // Once more when the machine was busy.
  for (let attempt = 0; attempt < 3; attempt++) {
    const single = bestMs(run(size));
    const double = bestMs(run(2 * size));
    if (double < negligibleMs || double / single <= tolerated) return;
    ratios.push(double / single);
  }
  assert.fail(`${what}: twice as much takes ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times as long`);
}

describe('64 KiB of a header', () => {
  const reader = new TraceHeaderReader();
  for (const [what, make] of Object.entries(values)) {
    it(`that has ${what} is read in linear time`, () => {
      for (const name of names) {
        assertLinear(`${name} with ${what}`, (bytes) => {
          const value = make(bytes);
          const rest = name === 'traceparent' ? [] : ['traceparent', traceparent, 'X-INSTANA-S', '1'];
          return () => reader.read([...rest, name, value]);
        });
        assertLinear(`${name} with ${what} in a carrier`, (bytes) => {
          const carrier = { [name]: make(bytes), 'x-instana-b-x': make(bytes) };
          return () => extractTextMap(carrier, true);
        });
      }
    });
  }

  it('in many lines is read in linear time', () => {
    for (const name of names) {
      for (const value of ['', 'a=1', ' , ', 'in=1;2']) {
        assertLinear(`${name}: ${value}`, (bytes) => {
          const raw = ['traceparent', traceparent];
          for (let line = 0; line < bytes / 16; line++) raw.push(name, value);
          return () => reader.read(raw);
        });
      }
    }
  });
});
