// Attributes of OTLP: the types of values, and each key once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttributeList } from '../../../src/otlp/attribute-list.js';

function read(attributes: AttributeList): unknown {
  return JSON.parse(`[${attributes}]`);
}

test('an empty list is an empty text', () => {
  assert.equal(String(new AttributeList()), '');
});

test('each type of value has a member of its own', () => {
  const attributes = new AttributeList();
  attributes.addAll({
    text: 'a"b',
    whole: -7,
    part: 0.5,
    flag: false,
    list: [1, 2],
    mixed: [1, '2'],
    object: { a: [] },
  });
  assert.deepEqual(read(attributes), [
    { key: 'text', value: { stringValue: 'a"b' } },
    { key: 'whole', value: { intValue: '-7' } },
    { key: 'part', value: { doubleValue: 0.5 } },
    { key: 'flag', value: { boolValue: false } },
    { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] } } },
    { key: 'mixed', value: { stringValue: '[1,"2"]' } },
    { key: 'object', value: { stringValue: '{"a":[]}' } },
  ]);
});

test('a value that is nothing, and an empty key, are left out', () => {
  const attributes = new AttributeList();
  attributes.addAll({ none: null, missing: undefined, '': 'x' });
  assert.equal(String(attributes), '');
});

test('the protocol wins over the application, and the first of two attributes over the second', () => {
  const attributes = new AttributeList();
  attributes.addText('url.path', '"/"');
  attributes.addInteger('server.port', 80);
  attributes.add('url.path', '/other');
  attributes.add('server.port', 81);
  attributes.add('user', 'first');
  attributes.add('user', 'second');
  assert.deepEqual(read(attributes), [
    { key: 'url.path', value: { stringValue: '/' } },
    { key: 'server.port', value: { intValue: '80' } },
    { key: 'user', value: { stringValue: 'first' } },
  ]);
});

test('a value that looks like an attribute takes no key', () => {
  const attributes = new AttributeList();
  attributes.addText('url.path', JSON.stringify('/{"key":"user",'));
  attributes.add('note', '{"key":"user",');
  attributes.add('user', 'u');
  assert.deepEqual(read(attributes), [
    { key: 'url.path', value: { stringValue: '/{"key":"user",' } },
    { key: 'note', value: { stringValue: '{"key":"user",' } },
    { key: 'user', value: { stringValue: 'u' } },
  ]);
});
