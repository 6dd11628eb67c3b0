// The trace headers of undici's requests, beside those that another tool adds before and after ours.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UndiciHeaders } from '../../../../src/instrumentation/http/undici-headers.js';
import type { Undo } from '../../../../src/instrumentation/wrap-method.js';
import { ToolBox } from '../tool-box.js';

const added = ['X-INSTANA-T', '1', 'X-INSTANA-S', '2', 'X-INSTANA-L', '1', 'traceparent', '3', 'tracestate', '4'];

/** undici's request since version 6, with headers as a flat list. */
function listRequestClass() {
  return class ListRequest {
    headers: unknown = ['Accept', ['a', 'b']];

    addHeader(name: string, value: string): this {
      (this.headers as unknown[]).push(name, value);
      return this;
    }
  };
}

/** undici's request of version 5, with headers as lines. */
function textRequestClass() {
  return class TextRequest {
    headers: unknown = 'Accept: a\r\n';

    addHeader(name: string, value: string): this {
      this.headers += `${name}: ${value}\r\n`;
      return this;
    }
  };
}

class Setup {
  readonly box: ToolBox = new ToolBox();
  readonly undo: Undo[] = [];
  readonly headers: UndiciHeaders = new UndiciHeaders(
    this.box.tools.exitSpans,
    this.box.tools.errors.breaker('fetch'),
    (undo) => this.undo.push(undo),
  );
}

describe('trace headers of undici', () => {
  it('are added behind those of the application', () => {
    const { headers } = new Setup();
    const request = new (listRequestClass())();
    headers.add(request, added);
    assert.deepEqual(request.headers, ['Accept', ['a', 'b'], ...added]);
  });

  it('are removed for a header of the same meaning that is added later', () => {
    const { headers } = new Setup();
    const request = new (listRequestClass())();
    headers.add(request, added);
    assert.equal(request.addHeader('Traceparent', '5'), request);
    request.addHeader('tracestate', '6');
    request.addHeader('x-other', '7');
    const own = ['X-INSTANA-T', '1', 'X-INSTANA-S', '2', 'X-INSTANA-L', '1'];
    assert.deepEqual(request.headers, [
      'Accept',
      ['a', 'b'],
      ...own,
      'Traceparent',
      '5',
      'tracestate',
      '6',
      'x-other',
      '7',
    ]);
  });

  it('are all removed for a later X-INSTANA header, which ours would contradict', () => {
    const { headers } = new Setup();
    const request = new (listRequestClass())();
    headers.add(request, added);
    request.addHeader('x-instana-t', '5');
    assert.deepEqual(request.headers, ['Accept', ['a', 'b'], 'x-instana-t', '5']);
  });

  it('are removed from lines, too', () => {
    const { headers } = new Setup();
    const request = new (textRequestClass())();
    headers.add(request, added);
    request.addHeader('traceparent', '5');
    assert.equal(
      request.headers,
      'Accept: a\r\nX-INSTANA-T: 1\r\nX-INSTANA-S: 2\r\nX-INSTANA-L: 1\r\ntraceparent: 5\r\n',
    );
  });

  it('are not added beside a header of the same meaning that is there already', () => {
    const { headers } = new Setup();
    const request = new (listRequestClass())();
    request.addHeader('traceparent', '5');
    headers.add(request, ['traceparent', '3']);
    request.addHeader('traceparent', '6');
    assert.deepEqual(request.headers, ['Accept', ['a', 'b'], 'traceparent', '5', 'traceparent', '6']);
  });

  it('replace `addHeader` once for each copy of undici, and restore it', () => {
    const { headers, undo } = new Setup();
    const [one, other] = [listRequestClass(), listRequestClass()];
    const original = one.prototype.addHeader;
    for (const copy of [one, other, one]) headers.add(new copy(), added);
    assert.equal(undo.length, 2);
    assert.notEqual(one.prototype.addHeader, original);
    assert.deepEqual([one.prototype.addHeader.name, one.prototype.addHeader.length], ['addHeader', 2]);
    for (const restore of undo) restore();
    assert.equal(one.prototype.addHeader, original);
  });

  it('leave a request alone to which they were not added', () => {
    const { headers } = new Setup();
    const copy = listRequestClass();
    headers.add(new copy(), added);
    const request = new copy();
    request.addHeader('traceparent', '5');
    headers.add(request, null);
    assert.deepEqual(request.headers, ['Accept', ['a', 'b'], 'traceparent', '5']);
  });
});
