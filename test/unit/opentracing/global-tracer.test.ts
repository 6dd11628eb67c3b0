import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Tracer } from 'opentracing';
import { adopt } from '../../../src/opentracing/global-tracer.js';
import type { InstanaTracer } from '../../../src/opentracing/tracer.js';

type SetTracer = Pick<Tracer, 'startSpan' | 'inject' | 'extract'>;

/** The exports of a copy of the package: a global tracer that delegates to the one that is set. */
class Copy {
  readonly Tracer: typeof Tracer = Tracer;
  set: SetTracer | null = null;
  readonly #delegating = {
    startSpan: (name: string): unknown => (this.set ?? new Tracer()).startSpan(name),
    inject: (): void => {},
    extract: (format: string, carrier: unknown): unknown => (this.set ?? new Tracer()).extract(format, carrier),
  };
  readonly globalTracer = (): unknown => this.#delegating;
  readonly initGlobalTracer = (tracer: SetTracer): void => {
    this.set = tracer;
  };
}

/** A tracer that notes its calls. */
function noting(calls: unknown[][]): InstanaTracer {
  const note =
    (name: string, result: unknown) =>
    (...args: unknown[]): unknown => {
      calls.push([name, ...args]);
      return result;
    };
  // Only the three methods that a global tracer has are called.
  return {
    startSpan: note('startSpan', 'span'),
    inject: note('inject', undefined),
    extract: note('extract', null),
  } as unknown as InstanaTracer;
}

describe('the global tracer of a copy of the package', () => {
  it('passes its calls to our tracer, which is made with the first span', () => {
    const copy = new Copy();
    const calls: unknown[][] = [];
    let made = 0;
    adopt(copy, () => {
      made++;
      return noting(calls);
    });
    assert.equal(made, 0);
    const carrier = {};
    assert.equal(copy.set?.startSpan('x', { startTime: 1 }), 'span');
    copy.set?.inject('context' as never, 'text_map', carrier);
    assert.equal(copy.set?.extract('text_map', carrier), null);
    assert.deepEqual(calls, [
      ['startSpan', 'x', { startTime: 1 }],
      ['inject', 'context', 'text_map', carrier],
      ['extract', 'text_map', carrier],
    ]);
  });

  it('is set on the default export of an ES module', () => {
    const copy = new Copy();
    adopt({ default: copy }, () => noting([]));
    assert.notEqual(copy.set, null);
  });

  it('stays if the application has set its own', () => {
    const copy = new Copy();
    const theirs: SetTracer = { startSpan: () => assert.fail(), inject: () => {}, extract: () => ({}) as never };
    copy.initGlobalTracer(theirs);
    adopt(copy, () => assert.fail('not used'));
    assert.equal(copy.set, theirs);
  });

  it('stays if it is ours already', () => {
    const copy = new Copy();
    adopt(copy, () => noting([]));
    const first = copy.set;
    adopt(copy, () => assert.fail('not used'));
    assert.equal(copy.set, first);
  });

  it('is left alone in modules that are not the package', () => {
    for (const exports of [{}, { default: {} }, { initGlobalTracer: 1 }, { default: { initGlobalTracer: 'x' } }])
      assert.doesNotThrow(() => adopt(exports, () => assert.fail('not used')));
  });

  it('is set where the package shows nothing but how to set it', () => {
    let set: unknown;
    adopt({ initGlobalTracer: (tracer: unknown) => (set = tracer) }, () => noting([]));
    assert.equal(typeof set, 'object');
  });
});
