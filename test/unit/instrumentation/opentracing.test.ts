import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTracing, openTracingGlobal } from '../../../src/instrumentation/opentracing.js';
import { ToolBox } from './tool-box.js';

describe('a copy of the opentracing package', () => {
  for (const record of [openTracing, openTracingGlobal]) {
    it(`gets our tracer as its global one when ${record.module} is loaded`, () => {
      let set: { startSpan(name: string): unknown } | undefined;
      const exports = {
        initGlobalTracer: (tracer: typeof set): void => {
          set = tracer;
        },
      };
      const box = new ToolBox();
      let calls = 0;
      const tracer = (): never => {
        calls++;
        throw new Error('made');
      };
      const patched = record.patch(exports, { ...box.tools, tracer }, { folder: '/package' });
      assert.deepEqual(patched, { undo: [], exports });
      assert.equal(calls, 0);
      assert.throws(() => set?.startSpan('x'), { message: 'made' });
      assert.equal(calls, 1);
    });
  }

  it('may be patched after it was loaded, but its file may not', () => {
    assert.deepEqual([openTracing.mainFile, openTracingGlobal.mainFile], ['lib/index.js', undefined]);
  });
});
