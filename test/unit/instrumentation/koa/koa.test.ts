import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { koaApplication, koaContext } from '../../../../src/instrumentation/koa/koa.js';
import { ToolBox } from '../tool-box.js';

/** A traced request, and the Koa context that belongs to it. */
function traced(box: ToolBox): { res: ServerResponse; error: () => string | undefined } {
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  box.tools.entrySpans.begin(new IncomingMessage(new Socket()), res);
  return {
    res,
    error: () => {
      box.tools.entrySpans.end(res, false);
      return box.spans()[0]?.data.http?.error;
    },
  };
}

const builtin = { folder: undefined };

describe('the context of Koa', () => {
  /** As `koa/lib/context` exports it. */
  const proto = (): { onerror(error: unknown): unknown; throw(...args: unknown[]): never } => ({
    onerror: (error) => error,
    throw: (message) => {
      throw new Error(String(message));
    },
  });

  it('reports the error that Koa handles, and none for null', () => {
    const box = new ToolBox();
    const { res, error } = traced(box);
    const context = proto();
    koaContext.patch(context, box.tools, builtin);
    assert.equal(context.onerror.call({ res }, null), null);
    const failure = new Error('handled');
    assert.equal(context.onerror.call({ res }, failure), failure);
    assert.equal(error(), 'Error: handled');
  });

  it('reports the error of `throw`, and lets it through', () => {
    const box = new ToolBox();
    const { res, error } = traced(box);
    const context = proto();
    koaContext.patch(context, box.tools, builtin);
    assert.throws(() => context.throw.call({ res }, 'thrown'), { message: 'thrown' });
    assert.equal(error(), 'Error: thrown');
  });

  it('is left alone while Koa is disabled, and restored by undo', () => {
    const box = new ToolBox();
    const { res, error } = traced(box);
    const context = proto();
    const { onerror } = context;
    const { undo } = koaContext.patch(context, { ...box.tools, state: { isDisabled: true } }, builtin);
    context.onerror.call({ res }, new Error('ignored'));
    assert.equal(error(), undefined);
    for (const each of undo) each?.();
    assert.equal(context.onerror, onerror);
  });

  it('may be missing', () => {
    for (const exports of [null, undefined, 7])
      assert.deepEqual(koaContext.patch(exports, new ToolBox().tools, builtin), { undo: [] });
  });
});

describe('the application of Koa', () => {
  class Application extends EventEmitter {}

  for (const [form, exports] of [
    ['a class', Application],
    ['a default export', { default: Application }],
  ] as const) {
    it(`reports errors that are emitted with their context: ${form}`, () => {
      const box = new ToolBox();
      const { res, error } = traced(box);
      const { undo } = koaApplication.patch(exports, box.tools, builtin);
      const application = new Application();
      const heard: unknown[] = [];
      application.on('error', (...args) => heard.push(...args));
      const failure = new Error('emitted');
      const ctx = { res };
      assert.equal(application.emit('error', failure, ctx), true);
      assert.equal(application.emit('other', new Error('other'), ctx), false);
      for (const each of undo) each?.();
      assert.equal(Object.hasOwn(Application.prototype, 'emit'), false);
      assert.deepEqual(heard, [failure, ctx]);
      assert.equal(error(), 'Error: emitted');
    });
  }

  it('may be something else', () => {
    for (const exports of [{}, { default: {} }, { default: () => {} }])
      assert.deepEqual(koaApplication.patch(exports, new ToolBox().tools, builtin), { undo: [] });
  });
});
