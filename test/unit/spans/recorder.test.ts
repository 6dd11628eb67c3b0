import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpanRecord } from '../../../src/spans/span.js';
import { Fixture } from './fixtures.js';

/** By its end the spans that wait for a free moment have been encoded. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

function dropped({ recorder }: Fixture): number {
  return Object.values(recorder.counters().dropped).reduce((sum, count) => sum + count, 0);
}

describe('the recorder', () => {
  it('gives spans out in the order in which they finished, with where they come from', () => {
    const fixture = new Fixture();
    const spans = [fixture.finished('/1'), fixture.finished('/2'), fixture.finished('/3')];
    const ids = spans.map(({ spanId }) => spanId);
    const sent = fixture.take();
    assert.deepEqual(
      sent.map(({ s }) => s),
      ids,
    );
    for (const { f } of sent) assert.deepEqual(f, { e: '4711', h: 'uuid' });
  });

  it('gives nothing when nothing waits', () => {
    const { recorder } = new Fixture();
    assert.equal(recorder.take('1', 'h'), null);
    assert.doesNotThrow(() => recorder.acknowledge());
    assert.doesNotThrow(() => recorder.requeue());
    assert.doesNotThrow(() => recorder.tooLarge());
  });

  it('takes the end of a span once', () => {
    const fixture = new Fixture();
    const span = fixture.entry();
    fixture.tick += 5;
    fixture.recorder.finish(span);
    fixture.tick += 5;
    fixture.recorder.finish(span);
    assert.equal(fixture.only().d, 5);
    assert.equal(fixture.recorder.counters().finished, 1);
  });

  it('never makes a duration negative', () => {
    const fixture = new Fixture();
    const span = fixture.entry();
    fixture.recorder.finishAt(span, fixture.tick - 500);
    assert.equal(fixture.only().d, 0);
  });

  it('makes no end of a time that is no number', () => {
    const fixture = new Fixture();
    const span = fixture.entry();
    fixture.recorder.finishAt(span, Number.NaN);
    assert.equal(fixture.only().d >= 0, true);
  });

  it('keeps the latest 5,000 spans and counts every other one', () => {
    const fixture = new Fixture();
    const all = Array.from({ length: 12_345 }, (_, index) => fixture.finished(`/${index}`).spanId);
    const counters = fixture.recorder.counters();
    assert.equal(counters.waiting, 5000);
    assert.equal(counters.finished, 12_345);
    assert.equal(counters.waiting + dropped(fixture), 12_345);
    assert.deepEqual(
      fixture.drain().map(({ s }) => s),
      all.slice(-5000),
    );
  });

  it('counts exactly when a million spans are started and finished in one loop', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 1_000_000; index++) fixture.finished();
    const { opened, finished, waiting } = fixture.recorder.counters();
    assert.deepEqual(
      { opened, finished, sum: waiting + dropped(fixture) },
      {
        opened: 1_000_000,
        finished: 1_000_000,
        sum: 1_000_000,
      },
    );
  });

  it('keeps at most 8 MiB of spans, the latest', () => {
    const fixture = new Fixture();
    const url = `/${'x'.repeat(16_000)}`;
    for (let index = 0; index < 2000; index++) fixture.finished(url);
    const { waiting } = fixture.recorder.counters();
    assert.ok(waiting < 530 && waiting > 300, String(waiting));
    assert.equal(waiting + dropped(fixture), 2000);
    const bytes = fixture.drain().reduce((sum, span) => sum + JSON.stringify(span).length, 0);
    assert.ok(bytes <= 8 * 1024 * 1024 * 1.1, String(bytes));
  });

  it('keeps a single span that weighs more than all that may wait', () => {
    const fixture = new Fixture();
    fixture.finished(`/${'x'.repeat(9 * 1024 * 1024)}`);
    assert.equal(fixture.recorder.counters().waiting, 1);
    fixture.finished('/small');
    assert.deepEqual(
      fixture.drain().map(({ data }) => data.http?.url),
      ['/small'],
    );
  });

  it('puts a batch that was not delivered back to the front', () => {
    const fixture = new Fixture();
    const first = Array.from({ length: 3 }, () => fixture.finished().spanId);
    fixture.take();
    const second = fixture.finished().spanId;
    assert.equal(fixture.recorder.counters().waiting, 4);
    fixture.recorder.requeue();
    assert.deepEqual(
      fixture.drain().map(({ s }) => s),
      [...first, second],
    );
    assert.equal(fixture.recorder.counters().sent, 4);
  });

  it('gives the same text again when it is asked before a batch was acknowledged', () => {
    const fixture = new Fixture();
    fixture.finished();
    assert.deepEqual(fixture.take(), fixture.take());
  });

  it('drops the oldest of a returned batch when there is no room any more, and loses count of none', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 1000; index++) fixture.finished();
    const taken = fixture.take().map(({ s }) => s);
    const later = Array.from({ length: 4800 }, () => fixture.finished().spanId);
    fixture.recorder.requeue();
    const { waiting } = fixture.recorder.counters();
    assert.equal(waiting, 5000);
    assert.equal(waiting + dropped(fixture), 5800);
    // While a batch is in flight nobody knows whether it arrives, so new spans push out waiting ones.
    assert.deepEqual(
      fixture
        .drain()
        .map(({ s }) => s)
        .slice(-4000),
      later.slice(-4000),
    );
    assert.equal(taken.length, 1000);
  });

  it('never holds more than 5,000 spans, those in flight included', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 6000; index++) fixture.finished();
    for (let round = 0; round < 10; round++) {
      fixture.take();
      for (let index = 0; index < 700; index++) fixture.finished();
      assert.ok(fixture.recorder.counters().waiting <= 5000);
      if (round % 2 === 0) fixture.recorder.requeue();
      else fixture.recorder.acknowledge();
      assert.ok(fixture.recorder.counters().waiting <= 5000);
    }
    const { finished, sent, waiting } = fixture.recorder.counters();
    assert.equal(sent + waiting + dropped(fixture), finished);
  });

  it('loses none that newer ones push out while they are in flight, when they arrive', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 1000; index++) fixture.finished();
    fixture.take();
    for (let index = 0; index < 4500; index++) fixture.finished();
    assert.equal(fixture.recorder.counters().waiting, 5000);
    assert.equal(fixture.recorder.waiting(), 4500);
    fixture.recorder.acknowledge();
    assert.deepEqual(
      { sent: fixture.recorder.counters().sent, waiting: fixture.recorder.waiting(), dropped: dropped(fixture) },
      { sent: 1000, waiting: 4500, dropped: 0 },
    );
    assert.equal(fixture.drain().length, 4500);
  });

  it('encodes in the next turn what comes thick and fast, once the agent has got something', async () => {
    const fixture = new Fixture();
    const finish = (count: number): SpanRecord[] => Array.from({ length: count }, () => fixture.finished());
    const encoded = (spans: SpanRecord[]): number => spans.filter(({ http }) => http === null).length;
    // What the agent says at the announce, secrets above all, is not known before.
    const early = finish(100);
    await turn();
    assert.equal(encoded(early), 0);
    fixture.take();
    fixture.recorder.acknowledge();
    const few = finish(31);
    await turn();
    assert.equal(encoded(few), 0);
    const many = finish(69);
    assert.equal(encoded(many), 0);
    await turn();
    assert.equal(encoded(few) + encoded(many), 100);
    assert.equal(fixture.recorder.waiting(), 100);
    // Nobody may come for what was returned: it may be dropped without ever having been encoded.
    fixture.take();
    fixture.recorder.requeue();
    const late = finish(100);
    await turn();
    assert.equal(encoded(late), 0);
    assert.equal(fixture.drain().length, 200);
  });

  it('encodes the next batch in slices of a few milliseconds', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 2500; index++) fixture.finished();
    let slices = 1;
    // The clock of the fixture moves with every look at it.
    fixture.tickStep = 1;
    while (!fixture.recorder.encodeSome()) slices++;
    assert.ok(slices > 5 && slices < 30, String(slices));
    const { waiting, finished } = fixture.recorder.counters();
    assert.deepEqual([waiting, finished], [2500, 2500]);
    const sent = fixture.take();
    assert.deepEqual([sent.length, new Set(sent.map(({ s }) => s)).size], [2500, 2500]);
  });

  it('sends text beyond ASCII unharmed, beside text that is all ASCII', () => {
    const fixture = new Fixture();
    const hosts = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? `/${index}?q=grün日本𝄞` : `/${index}`));
    for (const url of hosts) fixture.finished(url);
    const sent = fixture
      .drain()
      .map(({ data }) => `${data.http?.url}${data.http?.params === undefined ? '' : `?${data.http.params}`}`);
    assert.deepEqual(sent, hosts);
  });

  it('takes all that are encoded, waits for no more than 2,500, and takes no more than about 3 MiB at a time', async () => {
    const fixture = new Fixture();
    for (let index = 0; index < 5000; index++) fixture.finished();
    assert.ok(fixture.recorder.encodeSome());
    assert.equal(fixture.take().length, 2500);
    fixture.recorder.acknowledge();
    for (let index = 0; index < 1500; index++) fixture.finished();
    await turn();
    assert.equal(fixture.take().length, 4000);
    fixture.recorder.acknowledge();
    const large = new Fixture();
    for (let index = 0; index < 400; index++) large.finished(`/${'x'.repeat(15_000)}`);
    const batch = large.recorder.take('1', 'h');
    assert.ok(batch !== null && batch.body.length < 3.2 * 1024 * 1024);
  });

  it('halves a batch that the agent finds too large, and grows again', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 2500; index++) fixture.finished();
    const sizes: number[] = [];
    for (let round = 0; round < 4; round++) {
      sizes.push(fixture.take().length);
      fixture.recorder.tooLarge();
    }
    assert.deepEqual(sizes, [2500, 1250, 625, 312]);
    sizes.length = 0;
    for (let round = 0; round < 4; round++) {
      sizes.push(fixture.take().length);
      fixture.recorder.acknowledge();
    }
    assert.deepEqual(sizes, [156, 312, 624, 1248]);
    assert.equal(dropped(fixture), 0);
  });

  it('gives up a single span that is too large, and counts it', () => {
    const fixture = new Fixture();
    fixture.finished('/large');
    fixture.finished('/next');
    fixture.take();
    fixture.recorder.tooLarge();
    assert.deepEqual(
      fixture.take().map(({ data }) => data.http?.url),
      ['/large'],
    );
    fixture.recorder.tooLarge();
    assert.deepEqual(fixture.recorder.counters().dropped, { 'too-large': 1 });
    assert.deepEqual(
      fixture.drain().map(({ data }) => data.http?.url),
      ['/next'],
    );
  });

  it('reports once that 500 spans wait, each time there come to be so many', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 499; index++) fixture.finished();
    assert.equal(fixture.thresholds, 0);
    for (let index = 0; index < 1000; index++) fixture.finished();
    assert.equal(fixture.thresholds, 1);
    fixture.drain();
    for (let index = 0; index < 500; index++) fixture.finished();
    assert.equal(fixture.thresholds, 2);
  });

  it('reads counters since the last time', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 5010; index++) fixture.finished();
    fixture.entry();
    assert.deepEqual(fixture.recorder.readCounters(), { opened: 5011, closed: 5010, dropped: 10 });
    assert.deepEqual(fixture.recorder.readCounters(), { opened: 0, closed: 0, dropped: 0 });
  });

  it('does not report what its caller does not want, and does not call that a loss', () => {
    const fixture = new Fixture();
    const span = fixture.entry();
    span.suppressed = true;
    fixture.recorder.finish(span);
    assert.deepEqual(fixture.drain(), []);
    assert.equal(fixture.recorder.readCounters().dropped, 0);
    assert.deepEqual(fixture.recorder.counters().dropped, { unsampled: 1 });
  });

  it('loses one span, not the batch, when one cannot be written', () => {
    const fixture = new Fixture();
    const before = fixture.finished().spanId;
    const broken = fixture.entry();
    Object.defineProperty(broken, 'http', {
      get: () => {
        throw new Error('broken');
      },
      set: () => {},
    });
    Object.defineProperty(broken, 'weight', { value: 100, writable: true });
    fixture.recorder.finish = fixture.recorder.finish.bind(fixture.recorder);
    assert.throws(() => fixture.recorder.finish(broken)); // reads the URL's length; an instrumentation's guard would count it
    const after = fixture.finished().spanId;
    assert.deepEqual(
      fixture.drain().map(({ s }) => s),
      [before, after],
    );
  });

  it('passes open spans to the end of forgotten ones, the oldest first', () => {
    const fixture = new Fixture();
    const spans = Array.from({ length: 4 }, () => {
      fixture.tick += 10;
      return fixture.entry();
    });
    fixture.recorder.finish(spans[1] as SpanRecord); // made above
    const expired: SpanRecord[] = [];
    fixture.recorder.expire(10, (span) => {
      expired.push(span);
      fixture.recorder.finish(span);
    });
    assert.deepEqual(expired, [spans[0], spans[2]]);
    fixture.recorder.expire(0, (span) => expired.push(span));
    assert.equal(expired.length, 3);
  });

  it('keeps the list of open spans whole in whatever order they end', () => {
    const fixture = new Fixture();
    const open = Array.from({ length: 200 }, () => fixture.entry());
    const order = [...open.keys()].sort((a, b) => ((a * 7919) % 211) - ((b * 7919) % 211));
    for (const index of order.slice(0, 150)) fixture.recorder.finish(open[index] as SpanRecord); // inside the bounds
    const left: SpanRecord[] = [];
    fixture.recorder.expire(0, (span) => left.push(span));
    const expected = order.slice(150).map((index) => open[index]?.spanId);
    assert.deepEqual(left.map(({ spanId }) => spanId).sort(), expected.sort());
    assert.ok(left.every((span) => !span.isFinished));
  });

  it('does not watch spans that the application owns, and takes them at their end', () => {
    const fixture = new Fixture();
    fixture.recorder.openManual();
    const span = new SpanRecord('sdk', 1, 'a'.repeat(16), 'b'.repeat(16), null, null, 1, 1, null);
    fixture.recorder.expire(0, () => assert.fail('watched'));
    fixture.recorder.finish(span);
    assert.equal(fixture.only().s, 'b'.repeat(16));
  });
});

describe('tags and logs of manual spans', () => {
  it('are written as they were when the span ended', () => {
    const fixture = new Fixture();
    const order = { items: 1 };
    const span = fixture.tracer.startSpan('x', { tags: { order } });
    span.log({ order });
    span.finish();
    order.items = 2;
    assert.deepEqual(fixture.only().data.sdk?.custom?.tags, { order: { items: 1 } });
  });

  it('count with their texts in the bound of what waits', () => {
    const fixture = new Fixture();
    for (let index = 0; index < 1000; index++) {
      const span = fixture.tracer.startSpan('x');
      span.log({ text: 'x'.repeat(1_000_000) });
      span.finish();
    }
    assert.ok(fixture.recorder.waiting() < 400, String(fixture.recorder.waiting()));
  });
});
