import assert from 'node:assert/strict';
import { once } from 'node:events';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { UpgradeResponse } from '../../../../src/instrumentation/http/upgrade.js';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

/** An upgrade request, and the connection that the application writes to. */
class Upgrade {
  readonly box: ToolBox = new ToolBox();
  readonly connection: PassThrough = new PassThrough();

  constructor() {
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { method: 'GET', url: '/ws' });
    const span = this.box.tools.entrySpans.begin(request, this.connection as unknown as ServerResponse); // only compared
    assert.ok(span instanceof SpanRecord);
    new UpgradeResponse(this.box.tools, span, this.connection);
  }

  span(): WireSpan | undefined {
    return this.box.spans()[0];
  }
}

describe('the response to an upgrade request', () => {
  for (const [form, chunk] of [
    ['a text', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['bytes', Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n')],
    ['other bytes', new Uint8Array(Buffer.from('HTTP/1.0 101 \r\n\r\n'))],
  ] as const) {
    it(`ends the span with its status: ${form}`, () => {
      const upgrade = new Upgrade();
      upgrade.connection.write(chunk);
      const span = upgrade.span();
      assert.deepEqual([span?.data.http?.status, span?.ec, span?.data.http?.error], [101, 0, undefined]);
      assert.equal(String(upgrade.connection.read()), String(Buffer.from(chunk)));
    });
  }

  it('may be written with `end`, and be an error', () => {
    const upgrade = new Upgrade();
    upgrade.connection.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    const span = upgrade.span();
    assert.deepEqual([span?.data.http?.status, span?.ec], [503, 1]);
  });

  it('is none if the connection is closed without it, or other bytes come first', async () => {
    const closed = new Upgrade();
    closed.connection.destroy();
    await once(closed.connection, 'close');
    assert.equal(closed.span()?.data.http?.error, 'Request aborted');
    for (const bytes of ['', 'x', 'HTTP/2 200', 'HTTP/1.1 2', undefined]) {
      const other = new Upgrade();
      if (bytes === undefined) other.connection.end();
      else other.connection.write(bytes);
      const span = other.span();
      assert.deepEqual([span?.data.http?.error, span?.data.http?.status], ['Request aborted', undefined], bytes);
    }
  });

  it('leaves the connection as it was', () => {
    const upgrade = new Upgrade();
    assert.ok(Object.hasOwn(upgrade.connection, 'write'));
    upgrade.connection.write('HTTP/1.1 101 \r\n\r\n');
    assert.deepEqual(
      [Object.hasOwn(upgrade.connection, 'write'), Object.hasOwn(upgrade.connection, 'end')],
      [false, false],
    );
    assert.equal(upgrade.connection.listenerCount('close'), 0);
    upgrade.connection.write('HTTP/1.1 500 \r\n\r\n');
    assert.equal(upgrade.box.spans()[0]?.data.http?.status, 101);
  });
});
