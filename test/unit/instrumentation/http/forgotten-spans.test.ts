// Spans that the application forgets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../../../src/config/read-config.js';
import { HttpEntrySpans } from '../../../../src/instrumentation/http/entry-spans.js';
import { HttpExitSpans } from '../../../../src/instrumentation/http/exit-spans.js';
import {
  endForgottenSpans,
  type ForgottenSpansDependencies,
} from '../../../../src/instrumentation/http/forgotten-spans.js';
import { CallStacks } from '../../../../src/spans/call-stack.js';
import { HttpAttributes, SpanRecord } from '../../../../src/spans/span.js';
import { Fixture } from '../../spans/fixtures.js';

const fixture = new Fixture();
const config = readConfig({}, {}, undefined, assert.fail);
const http = {
  recorder: fixture.recorder,
  activeSpan: fixture.scope,
  ids: fixture.ids,
  stacks: new CallStacks(),
  now: () => fixture.tick,
  wallClock: () => fixture.wall,
  config: () => config,
  patchLoadedBuiltins: () => {},
};
const dependencies: ForgottenSpansDependencies = {
  recorder: fixture.recorder,
  entrySpans: new HttpEntrySpans(http),
  exitSpans: new HttpExitSpans(http),
  now: () => fixture.tick,
};
fixture.tick = 1_000_000;

/** A span that is open and began as long ago. */
function open(type: string, kind: 1 | 2, ageMs: number): SpanRecord {
  const attributes = new HttpAttributes('GET', '/', 'localhost');
  const { wall, tick } = fixture;
  const span = new SpanRecord(type, kind, '1', '2', null, null, wall - ageMs, tick - ageMs, attributes);
  fixture.recorder.open(span);
  return span;
}

describe('spans that the application forgets', () => {
  it('are ended as unfinished when a request had no response for as long as is configured', () => {
    const young = open('node.http.server', 1, 59_000);
    const old = open('node.http.server', 1, 61_000);
    endForgottenSpans(dependencies, 60_000);
    assert.equal(young.isFinished, false);
    assert.equal(old.isFinished, true);
    assert.match(old.http?.error ?? '', /^Unfinished: .* 60 s$/);
    fixture.recorder.finish(young);
  });

  it('are ended without an error when nobody reads the response to a call to its end', () => {
    const [waiting, unread] = [open('node.http.client', 2, 12_000), open('node.http.client', 2, 12_000)];
    for (const [span, sinceHeadMs] of [
      [waiting, 9_000],
      [unread, 11_000],
    ] as const) {
      if (span.http === null) assert.fail();
      span.http.status = 200;
      span.http.headTick = fixture.tick - sinceHeadMs;
    }
    endForgottenSpans(dependencies, 60_000);
    assert.equal(waiting.isFinished, false);
    assert.equal(unread.isFinished, true);
    assert.equal(unread.http?.error, null);
    fixture.recorder.finish(waiting);
  });
});
