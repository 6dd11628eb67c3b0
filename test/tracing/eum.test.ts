import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import vm from 'node:vm';
import { type EumOptions, renderSnippet } from '../../src/tracing/eum.js';

interface Page {
  calls: unknown[][];
  src: string;
  attributes: string;
}

const trace = '84e588b697868fee';

/** Runs the snippet as a browser would, with a document that does no more than remember. */
function run(options: EumOptions, apiKey = 'key', traceId: string | null = trace): Page {
  const html = renderSnippet(options, apiKey, traceId);
  const match = /^<script([^>]*)>([\s\S]*)<\/script>$/.exec(html);
  assert.ok(match, html);
  const [, attributes = '', code = ''] = match;
  assert.ok(!/<\/script|<!--|-->|]]>|[\u2028\u2029\n\r\0]/i.test(code), code);
  const script = { src: '' };
  const window: Record<string, unknown> = {};
  const document = { createElement: () => script, head: { appendChild: () => {} }, currentScript: null };
  const context = vm.createContext({ window, document });
  // In a browser a member of the window is a variable.
  Object.defineProperty(context, 'ineum', { get: () => window['ineum'] });
  vm.runInContext(code, context);
  const queue = (window['ineum'] as { q: ArrayLike<unknown>[] }).q; // made by the snippet itself
  return { calls: Array.from(queue, (call) => Array.from(call)), src: script.src, attributes };
}

describe('the snippet', () => {
  it('says key and trace, and loads the script', () => {
    const { calls, src, attributes } = run({});
    assert.deepEqual(calls, [
      ['apiKey', 'key'],
      ['traceId', trace],
    ]);
    assert.equal(src, '//eum.instana.io/eum.min.js');
    assert.equal(attributes, '');
  });

  it('leaves the trace out where there is none', () => {
    assert.deepEqual(run({}, 'key', null).calls, [['apiKey', 'key']]);
  });

  it('names the current loader when it is told where beacons go', () => {
    const { calls, src } = run({ reportingUrl: 'https://eum.example.com/' });
    assert.deepEqual(calls.slice(0, 2), [
      ['reportingUrl', 'https://eum.example.com/'],
      ['key', 'key'],
    ]);
    assert.equal(src, 'https://eum.example.com/eum.min.js');
    assert.equal(run({ scriptUrl: 'https://x/y.js?a=1#b' }).src, 'https://x/y.js?a=1#b');
  });

  const hostile = [
    `');alert(1);//`,
    '"\\\'`',
    '</script><script>alert(1)</script>',
    '</SCRIPT >',
    '<!--<script>',
    '-->',
    ']]>',
    'a\r\nb\u2028\u2029\0',
    '\ud800',
    '$&$1$`',
    '{{x}}%s<%= y %>',
    '--!>',
    'ä€😀',
  ];
  for (const text of hostile) {
    it(`hands ${JSON.stringify(text)} over as data`, () => {
      const { calls } = run({ meta: { [text]: text, other: '1' } }, text, text);
      assert.deepEqual(calls, [
        ['apiKey', text],
        ['traceId', text],
        ['meta', text, text],
        ['meta', 'other', '1'],
      ]);
    });
  }

  it('carries a nonce that is one, and no other', () => {
    assert.equal(run({ nonce: 'r4nd0m+/=-_' }).attributes, ' nonce="r4nd0m+/=-_"');
    for (const nonce of ['"><img src=x>', 'a b', '', 'x'.repeat(300)]) assert.equal(run({ nonce }).attributes, '');
  });

  it('is of bounded size and takes own plain members of meta only', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 'v'.repeat(1_000_000)]));
    const html = renderSnippet({ meta: many }, 'k'.repeat(1_000_000), trace);
    assert.ok(html.length < 64 * 1024, String(html.length));
    const odd = {
      text: 'a',
      number: 7,
      yes: true,
      big: 10n,
      nothing: null,
      list: [1],
      symbol: Symbol('s'),
      get bad(): string {
        throw new Error('getter');
      },
    };
    // What comes from JavaScript has no types.
    const meta = Object.assign(Object.create({ inherited: '1' }), {}) as Record<string, string>;
    Object.defineProperties(meta, Object.getOwnPropertyDescriptors(odd));
    assert.deepEqual(run({ meta }).calls.slice(2), [
      ['meta', 'text', 'a'],
      ['meta', 'number', '7'],
      ['meta', 'yes', 'true'],
      ['meta', 'big', '10'],
    ]);
  });
});
