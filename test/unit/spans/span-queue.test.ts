// Finished spans that wait for one receiver.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import { makeEncodeContext } from '../../../src/spans/instana-json.js';
import { HttpAttributes, SpanRecord } from '../../../src/spans/span.js';
import { SpanQueue } from '../../../src/spans/span-queue.js';

const context = makeEncodeContext(new Redactor({ matcher: 'none', keywords: [] }), null, 10);

interface Fixture {
  readonly queue: SpanQueue;
  readonly errors: InternalErrors;
  thresholds: number;
  dropped: number;
  /** Adds a finished span for each URL. */
  add(...urls: string[]): SpanRecord[];
  /** The URLs of a batch; it stays in flight. */
  take(): string[];
}

function finished(url: string): SpanRecord {
  const span = new SpanRecord(
    'node.http.server',
    1,
    'a'.repeat(16),
    'b'.repeat(16),
    null,
    null,
    1_700_000_000_000,
    1,
    new HttpAttributes('GET', url, null),
  );
  span.durationMs = 1;
  span.estimatedBytes = 700 + url.length;
  return span;
}

function setUp({ batchSpans = 1000, batchBytes = 1024 * 1024 } = {}): Fixture {
  const errors = new InternalErrors(new Log('off'));
  const fixture: Fixture = {
    errors,
    thresholds: 0,
    dropped: 0,
    queue: new SpanQueue({
      errors,
      now: () => 0,
      encodeContext: () => context,
      batchSpans,
      batchBytes,
      onThreshold: () => {
        fixture.thresholds++;
      },
      onDrop: (count) => {
        fixture.dropped += count;
      },
    }),
    add: (...urls) =>
      urls.map((url) => {
        const span = finished(url);
        fixture.queue.add(span);
        return span;
      }),
    take: () => {
      const batch = fixture.queue.take((_group, index) => (index === 0 ? '[{' : ',{'), ']');
      if (batch === null) return [];
      const spans = JSON.parse(String(batch.body)) as { data: { http: { url: string } } }[];
      assert.equal(spans.length, batch.count);
      return spans.map(({ data }) => data.http.url);
    },
  };
  return fixture;
}

describe('a queue of spans', () => {
  it('gives the oldest first, no more than a batch may have', () => {
    const { queue, add, take } = setUp({ batchSpans: 2 });
    add('/1', '/2', '/3');
    assert.deepEqual(take(), ['/1', '/2']);
    assert.equal(queue.waiting(), 1);
    queue.acknowledge();
    assert.deepEqual(take(), ['/3']);
    queue.acknowledge();
    assert.deepEqual(take(), []);
    assert.deepEqual(queue.counters(), { sent: 3, waiting: 0, dropped: {} });
  });

  it('ends a batch with the span by which it is large enough', () => {
    const { queue, add, take } = setUp({ batchBytes: 1000 });
    add(`/${'x'.repeat(500)}`, `/${'y'.repeat(500)}`, '/3');
    assert.equal(take().length, 2);
    queue.acknowledge();
    assert.deepEqual(take(), ['/3']);
  });

  it('gives the same spans again when they were not delivered, before newer ones', () => {
    const { queue, add, take } = setUp();
    add('/1', '/2');
    assert.deepEqual(take(), ['/1', '/2']);
    queue.requeue();
    add('/3');
    assert.deepEqual(take(), ['/1', '/2', '/3']);
    assert.deepEqual(take(), ['/1', '/2', '/3'], 'a batch that is taken while another is in flight takes its place');
  });

  it('counts what a receiver rejects of a batch', () => {
    const fixture = setUp();
    fixture.add('/1', '/2', '/3');
    fixture.take();
    fixture.queue.acknowledge(2);
    assert.deepEqual(fixture.queue.counters(), { sent: 1, waiting: 0, dropped: { rejected: 2 } });
    assert.equal(fixture.dropped, 2);
    fixture.add('/4');
    fixture.take();
    fixture.queue.acknowledge(99);
    assert.deepEqual(fixture.queue.counters(), { sent: 1, waiting: 0, dropped: { rejected: 3 } });
  });

  it('gives up a batch that a receiver refuses as a whole', () => {
    const { queue, add, take } = setUp();
    add('/1', '/2');
    take();
    queue.acknowledge(2);
    assert.deepEqual(queue.counters(), { sent: 0, waiting: 0, dropped: { rejected: 2 } });
    assert.deepEqual(take(), []);
  });

  it('calls once when 500 spans come to wait', () => {
    const fixture = setUp();
    for (let index = 0; index < 499; index++) fixture.add('/');
    assert.equal(fixture.thresholds, 0);
    for (let index = 0; index < 600; index++) fixture.add('/');
    assert.equal(fixture.thresholds, 1);
  });

  it('takes texts that are encoded already, in their order among the others', () => {
    const { queue, add, take } = setUp();
    add('/1');
    queue.add('"data":{"http":{"url":"/2"}}}');
    const span = finished('/3');
    queue.addEncoded(span);
    span.http = null; // it was encoded at once
    add('/4');
    assert.deepEqual(take(), ['/1', '/2', '/3', '/4']);
  });

  it('drops a span that cannot be encoded, and counts the error', () => {
    const fixture = setUp();
    fixture.add('/1');
    const broken = finished('/broken');
    Object.defineProperty(broken, 'name', {
      get: () => {
        throw new Error('broken');
      },
    });
    fixture.queue.add(broken);
    fixture.add('/2');
    assert.deepEqual(fixture.take(), ['/1', '/2']);
    assert.deepEqual(fixture.queue.counters().dropped, { encode: 1 });
    assert.deepEqual(fixture.errors.counts(), { 'encoding a span': 1 });
  });

  it('writes the texts of its serialiser, with the resource of each span in front', () => {
    const { queue, add } = setUp();
    let resource = 'one';
    queue.useSerializer({ serialize: ({ kind, http }) => `${kind}:${http?.url}`, resourceKey: () => resource });
    add('/1');
    assert.ok(queue.encodeSome());
    resource = 'two';
    add('/2');
    const batch = queue.take((group, index) => `<${index} ${group}>`, '!');
    assert.equal(String(batch?.body), '<0 one>1:/1<1 two>1:/2!');
  });

  it('empties a span when it drops it unencoded', () => {
    const { add, queue } = setUp();
    const [first] = add('/first');
    for (let index = 0; index < 5000; index++) add('/');
    assert.equal(first?.http, null);
    assert.deepEqual(queue.counters(), { sent: 0, waiting: 5000, dropped: { overflow: 1 } });
  });
});

describe('a span that goes to two receivers', () => {
  it('keeps its data until both have encoded it', () => {
    const [agent, collector] = [setUp(), setUp()];
    const span = finished('/1');
    span.pendingEncoders = 2;
    agent.queue.add(span);
    collector.queue.add(span);
    assert.deepEqual(agent.take(), ['/1']);
    assert.notEqual(span.http, null);
    assert.deepEqual(collector.take(), ['/1']);
    assert.equal(span.http, null);
  });

  it('keeps its data for one when the other drops it', () => {
    const [agent, collector] = [setUp(), setUp()];
    const span = finished('/1');
    span.pendingEncoders = 2;
    agent.queue.add(span);
    collector.queue.add(span);
    for (let index = 0; index < 5000; index++) agent.add('/');
    assert.notEqual(span.http, null);
    assert.deepEqual(collector.take(), ['/1']);
    assert.equal(span.http, null);
  });

  it('is dropped by each when it cannot be encoded', () => {
    const [agent, collector] = [setUp(), setUp()];
    const span = finished('/1');
    span.pendingEncoders = 2;
    Object.defineProperty(span, 'name', {
      get: () => {
        throw new Error('broken');
      },
    });
    agent.queue.add(span);
    collector.queue.add(span);
    for (const { take, queue } of [agent, collector]) {
      assert.deepEqual(take(), []);
      assert.deepEqual(queue.counters().dropped, { encode: 1 });
    }
    assert.equal(span.http, null);
  });
});
