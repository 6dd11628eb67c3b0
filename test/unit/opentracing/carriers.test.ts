import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extractTextMap, injectTextMap } from '../../../src/opentracing/carriers.js';
import { InstanaSpanContext } from '../../../src/opentracing/span-context.js';

const t = '3e1c069e1648ca50';
const s = '0aae15f0d1722012';

describe('a context in a carrier', () => {
  it('is written with lower-case names, baggage percent-encoded for HTTP only', () => {
    const context = new InstanaSpanContext(t, s, false, { cart: 'items 3' });
    const http = {};
    injectTextMap(context, http, true);
    assert.deepEqual(http, { 'x-instana-t': t, 'x-instana-s': s, 'x-instana-l': '1', 'x-instana-b-cart': 'items%203' });
    const text = {};
    injectTextMap(context, text, false);
    assert.deepEqual(text, { 'x-instana-t': t, 'x-instana-s': s, 'x-instana-l': '1', 'x-instana-b-cart': 'items 3' });
  });

  it('is only the level when nothing is traced', () => {
    const carrier = {};
    injectTextMap(new InstanaSpanContext(t, s, true, { cart: '1' }), carrier, true);
    assert.deepEqual(carrier, { 'x-instana-l': '0' });
  });

  it('comes back as it was', () => {
    for (const forHttp of [true, false]) {
      const carrier = {};
      injectTextMap(new InstanaSpanContext(t, s, false, { cart: 'ä &=\u20ac' }), carrier, forHttp);
      const context = extractTextMap(carrier, forHttp);
      assert.deepEqual([context?.traceId, context?.spanId, context?.suppressed], [t, s, false]);
      assert.deepEqual({ ...context?.baggage }, { cart: 'ä &=\u20ac' });
    }
  });

  it('keeps the case of baggage keys, which HTTP does not have', () => {
    const context = new InstanaSpanContext(t, s, false, { userId: '1' });
    for (const [forHttp, key] of [
      [false, 'userId'],
      [true, 'userid'],
    ] as const) {
      const carrier = {};
      injectTextMap(context, carrier, forHttp);
      assert.deepEqual({ ...extractTextMap(carrier, forHttp)?.baggage }, { [key]: '1' });
    }
  });

  it('without a level is traced, which the official sensor gets wrong', () => {
    assert.equal(extractTextMap({ 'x-instana-t': t, 'x-instana-s': s }, false)?.suppressed, false);
    assert.equal(extractTextMap({ 'x-instana-t': t, 'x-instana-s': s, 'x-instana-l': 'x' }, false)?.suppressed, false);
  });

  it('is found in any spelling of the names, that of a WSGI environment included', () => {
    assert.equal(extractTextMap({ 'X-INSTANA-T': t, 'X-Instana-S': s }, true)?.traceId, t);
    assert.equal(extractTextMap({ HTTP_X_INSTANA_T: t, HTTP_X_INSTANA_S: s }, true)?.traceId, t);
  });

  it('brings baggage by the prefix of the Python sensor, too, also out of a WSGI environment', () => {
    const carrier = {
      HTTP_X_INSTANA_T: t,
      HTTP_X_INSTANA_S: s,
      HTTP_X_INSTANA_B_CART: 'items%203',
      'X-INSTANA-BAGGAGE-user': '7',
      HTTP_X_INSTANA_BAGGAGE_PLAN: 'free',
    };
    assert.deepEqual({ ...extractTextMap(carrier, true)?.baggage }, { cart: 'items 3', user: '7', plan: 'free' });
  });

  it('of a WSGI environment is suppressed by its level', () => {
    assert.equal(extractTextMap({ HTTP_X_INSTANA_L: '0' }, true)?.suppressed, true);
  });

  it('has ids of 16 digits, whatever length came', () => {
    const long = extractTextMap({ 'x-instana-t': `0123456789abcdef${t}`, 'x-instana-s': 'ABC' }, false);
    assert.deepEqual([long?.traceId, long?.spanId], [t, '0000000000000abc']);
  });

  it('is none without both ids, with ids that are none, or without anything', () => {
    for (const carrier of [
      {},
      { 'x-instana-t': t },
      { 'x-instana-s': s },
      { 'x-instana-t': 'not-hex', 'x-instana-s': s },
      { 'x-instana-t': '0', 'x-instana-s': s },
      { 'x-instana-t': `abc${'0'.repeat(29)}`, 'x-instana-s': s },
      { 'x-instana-t': t, 'x-instana-s': `1${'0'.repeat(16)}` },
      { 'x-instana-t': 7, 'x-instana-s': s },
      { 'x-instana-t': [t, t], 'x-instana-s': s },
      null,
      undefined,
      7,
    ]) {
      assert.equal(extractTextMap(carrier, true), null);
    }
  });

  it('suppresses by the level alone', () => {
    for (const level of ['0', ' 0 ', '0,correlationType=web'])
      assert.equal(extractTextMap({ 'x-instana-l': level }, true)?.suppressed, true);
    for (const level of ['1', '00', '']) assert.equal(extractTextMap({ 'x-instana-l': level }, true), null);
  });

  it('takes no baggage that is too long or cannot be decoded, and pollutes no prototype', () => {
    const carrier = JSON.parse(
      JSON.stringify({
        'x-instana-t': t,
        'x-instana-s': s,
        'x-instana-b-long': 'x'.repeat(10_000),
        'x-instana-b-odd': '%E0%A4%A',
        'x-instana-b-__proto__': 'polluted',
      }),
    ) as object;
    const context = extractTextMap(carrier, true);
    assert.equal(context?.baggage?.['odd'], '%E0%A4%A');
    assert.equal(context?.baggage?.['long'], undefined);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  it('writes baggage that cannot be encoded as something, and does not throw', () => {
    const context = new InstanaSpanContext(t, s, false, { lone: '\ud800', fine: '1' });
    const carrier: Record<string, string> = {};
    assert.doesNotThrow(() => injectTextMap(context, carrier, true));
    assert.equal(carrier['x-instana-b-fine'], '1');
  });
});
