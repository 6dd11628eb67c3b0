import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { RequestWrapper } from '../../../../src/instrumentation/http/request-wrapper.js';
import { ToolBox } from '../tool-box.js';

function request(): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  Object.assign(req, { method: 'GET', url: '/wrapped' });
  return { req, res: new ServerResponse(req) };
}

describe('a wrapped listener', () => {
  it('runs in the span of its request, with its own `this`, arguments and result', () => {
    const box = new ToolBox();
    const { req, res } = request();
    const self = {};
    const seen: unknown[] = [];
    const listener = new RequestWrapper(box.tools).wrapListener(function (this: object, ...args: unknown[]) {
      seen.push(this, ...args, box.scope.get()?.http?.url);
      return 7;
    });
    assert.equal(listener.call(self, req, res), 7);
    assert.deepEqual(seen, [self, req, res, '/wrapped']);
    assert.equal(box.scope.get(), null);
    res.statusCode = 201;
    res.emit('finish');
    res.emit('close');
    const spans = box.spans();
    assert.deepEqual([spans.length, spans[0]?.data.http?.status], [1, 201]);
  });

  it('adds the trace id to the head of the response, once', () => {
    const box = new ToolBox();
    const { req, res } = request();
    const wrapper = new RequestWrapper(box.tools);
    let traceId: string | undefined;
    wrapper.wrapListener(() => {
      traceId = box.scope.get()?.traceId;
      res.writeHead(200);
    })(req, res);
    const { _header: head } = res as { _header?: unknown }; // as Node.js keeps it
    assert.equal(String(head).split(`Server-Timing: intid;desc=${traceId}`).length, 2);
  });

  it('ends its span when the connection is closed without a response', () => {
    const box = new ToolBox();
    const { req, res } = request();
    new RequestWrapper(box.tools).wrapListener(() => {})(req, res);
    res.emit('close');
    assert.equal(box.spans()[0]?.data.http?.error, 'Request aborted');
  });

  it('in another one makes no second span', () => {
    const box = new ToolBox();
    const { req, res } = request();
    const wrapper = new RequestWrapper(box.tools);
    const inner = wrapper.wrapListener(() => box.scope.get()?.spanId);
    const outer = wrapper.wrapListener((...args: [IncomingMessage, ServerResponse]) => [
      box.scope.get()?.spanId,
      inner(...args),
    ]);
    const [first, second] = outer(req, res);
    assert.ok(first !== undefined);
    assert.equal(second, first);
    assert.deepEqual([res.listenerCount('finish'), box.recorder.counters().opened], [1 + 0, 1]);
  });

  it('throws what the listener throws', () => {
    const { req, res } = request();
    const listener = new RequestWrapper(new ToolBox().tools).wrapListener(() => {
      throw new TypeError('host');
    });
    assert.throws(() => listener(req, res), { name: 'TypeError', message: 'host' });
  });

  it('is called even if our own code fails', () => {
    const box = new ToolBox();
    const entrySpans = new Proxy(box.tools.entrySpans, {
      get: () => {
        throw new Error('ours');
      },
    });
    const { req, res } = request();
    const listener = new RequestWrapper({ ...box.tools, entrySpans }).wrapListener(() => 'result');
    assert.equal(listener(req, res), 'result');
    assert.deepEqual(box.faults.counts(), { 'wrapped listener': 1 });
  });
});

describe('the middleware', () => {
  it('calls the next one in the span, without arguments', () => {
    const box = new ToolBox();
    const { req, res } = request();
    const seen: unknown[] = [];
    new RequestWrapper(box.tools).middleware()(req, res, (...args: unknown[]) => {
      seen.push(args, box.scope.get()?.http?.url);
    });
    assert.deepEqual(seen, [[], '/wrapped']);
    res.emit('finish');
    assert.equal(box.spans().length, 1);
  });
});
