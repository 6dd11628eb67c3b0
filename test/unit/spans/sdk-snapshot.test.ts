// Objects of the application in tags and logs, copied when a span finishes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtlpSpanSerializer } from '../../../src/otlp/otlp-span-json.js';
import { takeSnapshot } from '../../../src/spans/sdk-snapshot.js';
import { SdkAttributes } from '../../../src/spans/span.js';
import { Fixture } from './fixtures.js';

test('tags and logs are copied as they are now, bounded and without secrets', () => {
  const { encodeContext } = new Fixture();
  const sdk = new SdkAttributes('job');
  const cart = { items: 1, password: 'x' };
  sdk.tags['cart'] = cart;
  sdk.logs = { 5: { event: 'x', cart } };
  sdk.holdsObjects = true;
  const length = takeSnapshot(sdk, encodeContext);
  cart.items = 2;
  assert.deepEqual(sdk.tags, { cart: { items: 1, password: '<redacted>' } });
  assert.deepEqual(sdk.logs, { 5: { event: 'x', cart: { items: 1, password: '<redacted>' } } });
  assert.equal(length, JSON.stringify(sdk.tags).length + JSON.stringify(sdk.logs).length);
  assert.equal(sdk.holdsObjects, false);
});

for (const mode of [true, 'both'] as const) {
  test(`a span with objects that finishes before OTLP is loaded is sent as OTLP, mode ${mode}`, () => {
    const fixture = new Fixture();
    fixture.recorder.useReceivers(mode);
    let reads = 0;
    const cart = {
      items: 1,
      get total(): number {
        reads++;
        return 7;
      },
    };
    fixture.tracer.startSpan('early').setTag('cart', cart).finish();
    cart.items = 2;
    const queue = fixture.recorder.otlp;
    queue?.useSerializer(new OtlpSpanSerializer(() => null));
    const batch = queue?.take((_service, index) => (index === 0 ? '[' : ','), ']');
    const [span] = JSON.parse(String(batch?.body)) as { name: string; attributes: unknown[] }[];
    assert.equal(span?.name, 'early');
    assert.deepEqual(span.attributes[0], { key: 'cart', value: { stringValue: '{"items":1,"total":7}' } });
    assert.equal(reads, 1, 'the getter of the application was called once');
    const forAgent = fixture.drain().map(({ data }) => data.sdk?.custom?.tags);
    assert.deepEqual(forAgent, mode === 'both' ? [{ cart: { items: 1, total: 7 } }] : []);
  });
}
