// When batches are sent, and what follows from each outcome, with a fake clock, source and target.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Backoff } from '../../../src/export/backoff.js';
import { type Batch, BatchExporter, type BatchSource, type ExportTarget } from '../../../src/export/batch-exporter.js';
import type { Outcome } from '../../../src/export/outcome.js';
import { FakeTimers } from '../agent/support.js';

/** Counts spans; fails when a batch is settled that is not in flight. */
class FakeSource implements BatchSource {
  queued = 0;
  inFlight = 0;
  delivered = 0;
  rejected = 0;
  limit = 1000;
  /** How often the next batch needs another turn before it is encoded. */
  unencoded = 0;

  take(): Batch | null {
    assert.equal(this.inFlight, 0, 'one batch in flight');
    this.inFlight = Math.min(this.queued, this.limit);
    this.queued -= this.inFlight;
    return this.inFlight === 0 ? null : { body: `${this.inFlight} spans`, count: this.inFlight };
  }

  encodeSome(): boolean {
    return this.unencoded-- <= 0;
  }

  acknowledge(rejected = 0): void {
    this.rejected += rejected;
    this.delivered += this.#settle() - rejected;
  }

  requeue(): void {
    this.queued += this.#settle();
  }

  tooLarge(): void {
    this.limit = Math.max(1, this.inFlight >> 1);
    this.requeue();
  }

  waiting(): number {
    return this.queued;
  }

  #settle(): number {
    const count = this.inFlight;
    assert.ok(count > 0, 'a batch is in flight');
    this.inFlight = 0;
    return count;
  }
}

/** Keeps each request until the test gives its outcome. */
class FakeTarget implements ExportTarget {
  readonly intervalMs = 1000;
  readonly finalAddress = { host: 'there', port: 1, path: '/' };
  readonly outcomes: string[] = [];
  readonly take: () => Batch | null;
  onFailure: (exporter: BatchExporter) => void = () => {};
  respond: ((outcome: Outcome) => void) | null = null;

  constructor(source: FakeSource) {
    this.take = () => source.take();
  }

  send(): Promise<Outcome> {
    assert.equal(this.respond, null, 'one request at a time');
    return new Promise((resolve) => {
      this.respond = (outcome) => {
        this.respond = null;
        resolve(outcome);
      };
    });
  }

  onOutcome(outcome: Outcome, exporter: BatchExporter): void {
    this.outcomes.push(`${outcome.kind} ${exporter.failures}`);
    this.onFailure(exporter);
  }
}

const accepted: Outcome = { kind: 'accepted' };
const unreachable: Outcome = { kind: 'unreachable', reason: 'ECONNREFUSED' };

interface Fixture {
  readonly exporter: BatchExporter;
  readonly source: FakeSource;
  readonly target: FakeTarget;
  readonly timers: FakeTimers;
  readonly errors: InternalErrors;
  /** Answers the request under way. */
  respond(outcome: Outcome): Promise<void>;
  /** Lets time pass until the next request; returns the milliseconds. */
  untilSent(): Promise<number>;
}

function make(): Fixture {
  const timers = new FakeTimers();
  const errors = new InternalErrors(new Log('off'));
  const source = new FakeSource();
  const target = new FakeTarget(source);
  const backoff = new Backoff({ firstMs: 1000, maxMs: 4000, maxRetryAfterMs: 10_000 }, timers.now);
  const exporter = new BatchExporter({ source, backoff, timers, errors, place: 'exporter' });
  const respond = async (outcome: Outcome): Promise<void> => {
    target.respond?.(outcome);
    await turn();
  };
  const untilSent = async (): Promise<number> => {
    const startMs = timers.now();
    await turn();
    for (let step = 0; target.respond === null; step++) {
      assert.ok(step < 100, 'a request is sent');
      timers.next();
      await turn();
    }
    return timers.now() - startMs;
  };
  return { exporter, source, target, timers, errors, respond, untilSent };
}

function started(): Fixture {
  const fixture = make();
  fixture.exporter.use(fixture.target);
  fixture.exporter.start();
  return fixture;
}

test('sends at intervals, soon when that is asked for, and soon after a large batch', async () => {
  const { source, exporter, respond, untilSent } = started();
  source.queued = 1;
  assert.equal(await untilSent(), 1000);
  source.queued = 500;
  await respond(accepted);
  assert.equal(await untilSent(), 1000);
  source.queued = 1;
  await respond(accepted);
  assert.equal(await untilSent(), 150);
  source.queued = 1;
  await respond(accepted);
  exporter.requestFlush();
  assert.equal(await untilSent(), 150);
  await respond(accepted);
  assert.equal(source.delivered, 503);
});

test('waits for a target, and for nothing else when the interval is skipped', async () => {
  const { source, exporter, target, timers, untilSent } = make();
  exporter.start();
  source.queued = 1;
  await turn();
  assert.equal(timers.pending, 0);
  assert.equal(exporter.isConnected(), false);
  exporter.use(target);
  exporter.skipInterval();
  assert.equal(await untilSent(), 0);
  assert.equal(exporter.isConnected(), true);
});

test('encodes over several turns before it sends', async () => {
  const { source, untilSent, target } = started();
  source.queued = 1;
  source.unencoded = 3;
  assert.equal(await untilSent(), 1003);
  assert.ok(target.respond !== null);
});

test('sends again after a failure, later each time, and for as long as the receiver asks', async () => {
  const { source, target, respond, untilSent } = started();
  source.queued = 3;
  await untilSent();
  const waits: number[] = [];
  for (const outcome of [unreachable, unreachable, unreachable, { kind: 'retry', status: 503, retryAfterMs: 9000 }]) {
    await respond(outcome as Outcome);
    assert.equal(source.queued, 3);
    waits.push(await untilSent());
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 9000]);
  await respond(accepted);
  assert.deepEqual(target.outcomes, ['unreachable 1', 'unreachable 2', 'unreachable 3', 'retry 4', 'accepted 0']);
  source.queued = 1;
  await untilSent();
  await respond(unreachable);
  assert.equal(await untilSent(), 1000, 'failures count from the last success');
});

test('does not wait out a pause that another receiver has caused', async () => {
  const { source, exporter, target, respond, untilSent } = started();
  source.queued = 3;
  await untilSent();
  await respond({ kind: 'retry', status: 429, retryAfterMs: 10_000 });
  exporter.use(target);
  exporter.skipBackoff();
  assert.equal(await untilSent(), 1000);
});

test('counts what is refused, in part or at all, as settled', async () => {
  const { source, respond, untilSent } = started();
  source.queued = 5;
  await untilSent();
  await respond({ kind: 'partial', rejected: 2, message: '' });
  source.queued = 4;
  await untilSent();
  await respond({ kind: 'refused', status: 400 });
  assert.deepEqual([source.delivered, source.rejected, source.queued], [3, 6, 0]);
});

test('halves what is too large, and sends small batches soon until nothing waits', async () => {
  const { source, timers, respond, untilSent } = started();
  source.queued = 8;
  await untilSent();
  await respond({ kind: 'too-large', status: 413 });
  assert.equal(await untilSent(), 150);
  assert.equal(source.inFlight, 4);
  await respond(accepted);
  assert.equal(await untilSent(), 150);
  await respond(accepted);
  assert.equal(source.delivered, 8);
  timers.next(); // nothing waits
  await turn();
  source.queued = 1;
  assert.equal(await untilSent(), 1000);
});

test('goes back to the interval once a small batch takes all that waits', async () => {
  const { source, respond, untilSent } = started();
  source.queued = 8;
  await untilSent();
  await respond({ kind: 'too-large', status: 413 });
  assert.equal(await untilSent(), 150);
  await respond(accepted);
  assert.equal(await untilSent(), 150);
  source.queued = 1; // one more has finished since
  await respond(accepted);
  assert.equal(await untilSent(), 1000);
});

test('a target that does not know the process is tried again as soon as there is another', async () => {
  const { source, exporter, target, timers, respond, untilSent } = started();
  target.onFailure = (own) => {
    assert.equal(own.detach(target), true);
    assert.equal(own.detach(target), false);
  };
  source.queued = 2;
  await untilSent();
  await respond({ kind: 'not-found', status: 404 });
  assert.equal(timers.pending, 0);
  const next = new FakeTarget(source);
  exporter.use(next);
  exporter.skipInterval();
  await turn();
  assert.ok(next.respond !== null);
  assert.equal(exporter.detach(target), false, 'it is not the present one');
});

test('a flush ends with the last span that waited when it began', async () => {
  const { source, exporter, respond, untilSent } = started();
  source.limit = 2;
  source.queued = 3;
  let isOver = false;
  assert.equal(
    exporter.flush(5000, () => {
      isOver = true;
    }),
    true,
  );
  await untilSent();
  source.queued += 10;
  await respond(accepted);
  assert.equal(isOver, false);
  assert.equal(await untilSent(), 0, 'nothing lies between the batches of a flush');
  await respond(accepted);
  assert.equal(isOver, true);
});

test('a flush ends at its time, and at once when it would be in vain', async () => {
  const { source, exporter, timers, respond, untilSent } = started();
  const calls: string[] = [];
  const flush = (name: string, timeoutMs: number): boolean => exporter.flush(timeoutMs, () => void calls.push(name));
  assert.equal(flush('nothing waits', 5000), false);
  source.queued = 1;
  await untilSent();
  await respond({ kind: 'retry', status: 429, retryAfterMs: 10_000 });
  assert.equal(flush('longer than its time', 5000), false);
  exporter.skipBackoff();
  await untilSent();
  assert.equal(flush('in time', 300), true);
  assert.equal(timers.next(), 300);
  assert.equal(flush('given up', 60_000), true);
  exporter.abandonFlushes();
  assert.equal(flush('just given up', 60_000), false);
  assert.deepEqual(calls, ['nothing waits', 'longer than its time', 'in time', 'given up', 'just given up']);
  assert.equal(timers.pending, 0, 'no timer of a flush is left');
});

test('gives the last batches, once', () => {
  const { source, exporter, target } = make();
  source.queued = 3;
  source.limit = 2;
  assert.equal(exporter.finalRequest(), null);
  exporter.use(target);
  const { bodies, ...address } = exporter.finalRequest() ?? assert.fail();
  assert.deepEqual(address, target.finalAddress);
  assert.deepEqual(bodies.map(String), ['2 spans', '1 spans']);
  assert.equal(source.delivered, 3);
  assert.equal(exporter.finalRequest(), null);
});

test('gives back what is in flight at its end, and takes nothing more', async () => {
  const { source, exporter, target, respond, timers, untilSent } = started();
  source.queued = 2;
  await untilSent();
  exporter.end();
  assert.equal(source.queued, 2);
  await respond(accepted);
  assert.equal(source.queued, 2);
  assert.deepEqual(target.outcomes, []);
  assert.equal(timers.pending, 0);
  let isOver = false;
  exporter.flush(1000, () => {
    isOver = true;
  });
  assert.equal(isOver, true);
});

test('an internal error is counted, and sending starts again', async () => {
  const { source, errors, untilSent } = started();
  source.queued = 1;
  const { encodeSome } = source;
  source.encodeSome = () => {
    source.encodeSome = encodeSome;
    throw new Error('not today');
  };
  assert.equal(await untilSent(), 11_000);
  assert.deepEqual(errors.counts(), { exporter: 1 });
});
