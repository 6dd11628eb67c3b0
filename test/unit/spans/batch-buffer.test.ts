// The bytes of one batch, in memory that is used again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchBuffer } from '../../../src/spans/batch-buffer.js';

describe('a batch buffer', () => {
  it('holds texts and bytes in the order in which they were added', () => {
    const batch = new BatchBuffer();
    assert.equal(batch.bytes().length, 0);
    batch.addText('[');
    batch.addBytes(Buffer.from('xx"grün"yy'), 2, 9);
    batch.addText(',日本𝄞]');
    assert.equal(batch.bytes().toString('utf8'), '["grün",日本𝄞]');
  });

  it('grows to any size, whatever was reserved', () => {
    for (const reserved of [0, 10, 10_000_000]) {
      const batch = new BatchBuffer();
      batch.reserve(reserved);
      let expected = '';
      for (let index = 0; index < 2000; index++) {
        const text = `${index}:${'ü'.repeat(index % 300)};`;
        batch.addText(text);
        expected += text;
      }
      const source = Buffer.alloc(500_000, 'z');
      batch.addBytes(source, 0, source.length);
      assert.equal(batch.bytes().toString('utf8'), `${expected}${source}`);
    }
  });

  it('has a lone surrogate replaced, as UTF-8 has no form for it', () => {
    const batch = new BatchBuffer();
    batch.addText('a\ud800b');
    assert.equal(batch.bytes().toString('utf8'), 'a\ufffdb');
  });

  it('begins with nothing after it was cleared, in the same memory', () => {
    const batch = new BatchBuffer();
    batch.addText('x'.repeat(100_000));
    const { buffer } = batch.bytes();
    batch.clear();
    assert.equal(batch.bytes().length, 0);
    batch.addText('y');
    assert.equal(batch.bytes().toString(), 'y');
    assert.equal(batch.bytes().buffer, buffer);
  });

  it('keeps half a MiB when it is released, and gives back what is larger', () => {
    const batch = new BatchBuffer();
    batch.addText('small');
    const { buffer: small } = batch.bytes();
    batch.release();
    batch.addText('again');
    assert.equal(batch.bytes().buffer, small);
    batch.addBytes(Buffer.alloc(1024 * 1024), 0, 1024 * 1024);
    const { buffer: large } = batch.bytes();
    assert.ok(large.byteLength > 512 * 1024);
    batch.release();
    batch.addText('after');
    assert.equal(batch.bytes().toString(), 'after');
    assert.ok(batch.bytes().buffer.byteLength < large.byteLength);
  });
});
