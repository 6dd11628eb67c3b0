// When traces are printed, and how many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StoredTrace, TraceStore } from '../../../../src/devtools/store/traces.js';
import { createColors } from '../../../../src/devtools/terminal/colors.js';
import { TracePrinter } from '../../../../src/devtools/terminal/trace-printer.js';
import { idOf, twoServiceTrace, wireSpan } from '../support.js';

interface Bench {
  readonly store: TraceStore;
  readonly printer: TracePrinter;
  readonly printed: string[];
  add(spans: readonly unknown[]): void;
  pass(ms: number): void;
}

function bench(processes: number = 2): Bench {
  let nowMs = 1_000_000;
  const printed: string[] = [];
  const store = new TraceStore({ version: 0, serviceName: (pid) => `pid ${pid}` }, 100_000, 1e9);
  const printer = new TracePrinter({
    write: (text) => printed.push(text),
    colors: createColors(false),
    traces: store,
    processCount: () => processes,
    now: () => nowMs,
  });
  return {
    store,
    printer,
    printed,
    add: (spans) => printer.add(store.add(spans, 1, 100) as ReadonlySet<StoredTrace>),
    pass: (ms) => {
      for (let left = ms; left > 0; left -= 100) {
        nowMs += 100;
        printer.tick();
      }
    },
  };
}

test('prints a trace once, when no more of it has come for a while', () => {
  const { printer, printed, add, pass } = bench();
  const [first, second] = twoServiceTrace(idOf(1));
  add(first);
  pass(1000);
  assert.deepEqual(printed, [], 'the called process may still report');
  add(second);
  pass(1000);
  assert.equal(printed.length, 1);
  assert.match(printed[0] ?? '', /inventory/);
  pass(5000);
  assert.equal(printed.length, 1);
  printer.close();
});

test('prints a trace without its root in the end, and a line for late spans', () => {
  const { printer, printed, add, pass } = bench();
  const [first, second] = twoServiceTrace(idOf(1));
  add(second);
  pass(3000);
  assert.deepEqual(printed, []);
  pass(4000);
  assert.equal(printed.length, 1);
  add(first);
  pass(3000);
  assert.match(printed[1] ?? '', /2 late spans for trace 0000000000000001/);
  printer.close();
});

test('prints few of hundreds of traces and says how many it did not', () => {
  const { printer, printed, add, pass } = bench();
  for (let trace = 1; trace <= 300; trace++) add([wireSpan({ t: idOf(trace) })]);
  pass(3000);
  assert.ok(printed.length <= 10, String(printed.length));
  const missing = /(\d+) more traces not shown/.exec(printed.join(''))?.[1];
  assert.equal(Number(missing) + printed.filter((text) => text.includes('ms')).length, 300);
  printer.close();
});
