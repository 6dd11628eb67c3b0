// The record of a span.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HttpAttributes, SdkAttributes, SpanRecord } from '../../../src/spans/span.js';

const make = (parentId: string | null): SpanRecord =>
  new SpanRecord('sdk', 3, 'a'.repeat(16), 'b'.repeat(16), parentId, null, 1_700_000_000_000, 500, null);

describe('the record of a span', () => {
  it('is open until it has a duration, which may be 0', () => {
    const span = make(null);
    assert.equal(span.isFinished, false);
    span.durationMs = 0;
    assert.equal(span.isFinished, true);
  });

  it('has no parent below an ignored span that has none itself', () => {
    assert.equal(make('').parentId, null);
    assert.equal(make(null).parentId, null);
    assert.equal(make('c'.repeat(16)).parentId, 'c'.repeat(16));
  });

  it('makes its section of tags and logs when it is first asked for, and keeps it', () => {
    const span = make(null);
    assert.equal(span.sdk, null);
    const section = span.sdkAttributes();
    assert.equal(section.name, null);
    assert.equal(span.sdkAttributes(), section);
    assert.equal(span.sdk, section);
    const named = make(null);
    named.sdk = new SdkAttributes('job');
    assert.equal(named.sdkAttributes().name, 'job');
  });

  it('has the same members in the same order, whatever it is of', () => {
    const http = new SpanRecord(
      'node.http.server',
      1,
      'a',
      'b',
      null,
      'c',
      1,
      1,
      new HttpAttributes('GET', '/', 'localhost'),
    );
    assert.deepEqual(Object.keys(http), Object.keys(make('c')));
    assert.deepEqual(
      Object.keys(new HttpAttributes('GET', '/', null)),
      Object.keys(new HttpAttributes('POST', '/', 'localhost')),
    );
  });

  it('keeps tags apart from the names of prototypes', () => {
    const { tags } = new SdkAttributes(null);
    assert.equal(tags['constructor'], undefined);
    Reflect.set(tags, '__proto__', 'x');
    assert.deepEqual(Object.keys(tags), ['__proto__']);
  });
});
