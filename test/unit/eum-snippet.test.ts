import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import vm from 'node:vm';
import { type EumOptions, renderSnippet } from '../../src/eum-snippet.js';

interface Page {
  /** Of each script element. */
  attributes: string[];
  calls: unknown[][];
  /** Of the script that is loaded, as the browser has it after decoding. */
  src: string;
  complaints: string[];
}

const trace = '84e588b697868fee';
const current = { reportingUrl: 'https://eum.example.com/' };

function render(options: unknown, key: string | null = 'key', active: string | null | undefined = trace): string {
  return renderSnippet(options, key, active, () => {});
}

/** Runs the snippet as a browser would, with a document that does no more than remember. */
function run(options: EumOptions, key = 'key', active: string | null | undefined = trace): Page {
  const complaints: string[] = [];
  const html = renderSnippet(options, key, active, (cause) => complaints.push(cause));
  const scripts = [...html.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)];
  assert.equal(scripts.map(([element]) => element).join(''), html);
  const [[, , code = ''] = [], loader] = scripts;
  assert.ok(!/[<&\u2028\u2029\n\r\0]|-->|]]>/.test(code), code);
  const script = { src: '' };
  const window: Record<string, unknown> = {};
  const document = { createElement: () => script, head: { appendChild: () => {} }, currentScript: null };
  const context = vm.createContext({ window, document });
  // In a browser a member of the window is a variable.
  Object.defineProperty(context, 'ineum', { get: () => window['ineum'] });
  vm.runInContext(code, context);
  const { q, l } = window['ineum'] as { q: ArrayLike<unknown>[]; l: number }; // made by the snippet itself
  assert.ok(Math.abs(Date.now() - l) < 60_000);
  assert.equal(window['InstanaEumObject'], 'ineum');
  return {
    attributes: scripts.map(([, attributes = '']) => attributes),
    calls: Array.from(q, (call) => Array.from(call)),
    src: loader === undefined ? script.src : decoded(/ src="([^"]*)"$/.exec(loader[1] ?? '')?.[1] ?? ''),
    complaints,
  };
}

/** As a browser reads an attribute with references by number. */
function decoded(text: string): string {
  return text.replaceAll(/&#x([0-9a-f]+);/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)));
}

describe('the snippet of the first generation', () => {
  it('says key and trace, and adds the script', () => {
    const { calls, src, attributes } = run({});
    assert.deepEqual(calls, [
      ['apiKey', 'key'],
      ['traceId', trace],
    ]);
    assert.equal(src, '//eum.instana.io/eum.min.js');
    assert.deepEqual(attributes, ['']);
  });

  it('takes the script from the address that is given, and stays of its generation', () => {
    const { calls, src } = run({ scriptUrl: 'https://x/y.js?a=1#b' });
    assert.equal(src, 'https://x/y.js?a=1#b');
    assert.deepEqual(calls[0], ['apiKey', 'key']);
  });
});

describe('the snippet of today, chosen by reportingUrl', () => {
  it('says where to, key and trace, and has an element for the script', () => {
    assert.equal(
      render(current),
      "<script>(function(w,n){w.InstanaEumObject=n;var f=w[n]=function(){f.q.push(arguments)};f.q=[];f.l=+new Date();f.v=2})(window,'ineum');" +
        `ineum('reportingUrl','https://eum.example.com/');ineum('key','key');ineum('traceId','${trace}');</script>` +
        '<script defer crossorigin="anonymous" src="https://eum.example.com/eum.min.js"></script>',
    );
    assert.deepEqual(run(current).calls, [
      ['reportingUrl', 'https://eum.example.com/'],
      ['key', 'key'],
      ['traceId', trace],
    ]);
  });

  it('finds the script beside the address of the beacons, or where an option says', () => {
    const expected: Record<string, string> = {
      'https://r': 'https://r/eum.min.js',
      'https://r/': 'https://r/eum.min.js',
      'https://r/a/b?c=d#e': 'https://r/a/b/eum.min.js',
      '//r:8443': '//r:8443/eum.min.js',
      '/eum': '/eum/eum.min.js',
    };
    for (const [reportingUrl, src] of Object.entries(expected)) assert.equal(run({ reportingUrl }).src, src);
    assert.equal(run({ ...current, scriptUrl: '/x.js?a="b"&c=\'<ä€😀' }).src, '/x.js?a="b"&c=\'<ä€😀');
  });
});

describe('the trace of the snippet', () => {
  const withoutTrace = [['apiKey', 'key']];

  it('is left out in a request that is not traced', () => {
    assert.deepEqual(run({}, 'key', null).calls, withoutTrace);
    assert.deepEqual(run({ traceId: 'no id' }, 'key', null).calls, withoutTrace);
    assert.deepEqual(run({ traceId: trace }, 'key', null).calls, [...withoutTrace, ['traceId', trace]]);
  });

  it('may be named outside any request, where there is no snippet otherwise', () => {
    assert.equal(
      renderSnippet({}, 'key', undefined, () => {}),
      '',
    );
    assert.equal(
      renderSnippet({ traceId: 'no id' }, 'key', undefined, () => {}),
      '',
    );
    const html = renderSnippet({ traceId: trace }, 'key', undefined, () => {});
    assert.ok(html.includes(`ineum('traceId','${trace}');`));
  });

  it('has 16 digits in lower case, whatever form it is named in', () => {
    const forms = { [`aaaabbbbccccdddd${trace}`]: trace, [trace.toUpperCase()]: trace, abc: '0000000000000abc' };
    for (const [traceId, expected] of Object.entries(forms))
      assert.deepEqual(run({ traceId }, 'key', '1'.repeat(16)).calls[1], ['traceId', expected]);
  });

  it('is that of the request when what is named is no id', () => {
    const noIds: unknown[] = [
      '',
      '0',
      '-5',
      '0x12',
      `${trace}'`,
      ` ${trace}`,
      'f'.repeat(33),
      12,
      5n,
      null,
      {},
      [trace],
    ];
    for (const traceId of noIds) assert.deepEqual(run({ traceId: traceId as string }).calls[1], ['traceId', trace]);
  });
});

describe('what is written into the snippet', () => {
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
    '\udc00\ud800',
    '$&$1$`',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what a template engine would look for
    '{{x}}%s<%= y %>${z}#{a}',
    '--!>',
    'ä€😀',
    '__proto__',
  ];
  for (const text of hostile) {
    it(`hands ${JSON.stringify(text)} over as data`, () => {
      const meta = JSON.parse(`{${JSON.stringify(text)}:${JSON.stringify(text)},"other":"1"}`) as Record<
        string,
        string
      >;
      const rest = [
        ['traceId', trace],
        ['meta', text, text],
        ['meta', 'other', '1'],
      ];
      assert.deepEqual(run({ meta, apiKey: text }).calls, [['apiKey', text], ...rest]);
      const { calls } = run({ ...current, meta }, text);
      assert.deepEqual(calls.slice(1), [['key', text], ...rest]);
    });
  }

  it('has a nonce that is one in every element, and no other', () => {
    assert.deepEqual(run({ nonce: 'r4nd0m+/-_==' }).attributes, [' nonce="r4nd0m+/-_=="']);
    const attributes = [
      ' nonce="abc"',
      ' nonce="abc" defer crossorigin="anonymous" src="https://eum.example.com/eum.min.js"',
    ];
    assert.deepEqual(run({ ...current, nonce: 'abc' }).attributes, attributes);
    const none: unknown[] = ['"><img src=x>', 'a b', '', '=', 'a=b', 'x'.repeat(300), 5, {}, 'a\n'];
    for (const nonce of none) {
      const page = run({ nonce: nonce as string });
      assert.deepEqual(page.attributes, ['']);
      assert.deepEqual(page.complaints, ['eumSnippet nonce']);
    }
    assert.deepEqual(run({ nonce: undefined }).complaints, []);
  });

  it('is nothing at all when an address is none of HTTP', () => {
    const none: unknown[] = [
      'javascript:alert(1)',
      ' JavaScript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/javascript,alert(1)',
      'blob:https://x/1',
      'file:///etc/passwd',
      'https://user:password@x/',
      '//user@x/',
      'https://',
      'https://x/\u0080',
      'https://x/\0',
      `https://x/${'y'.repeat(2048)}`,
      '',
      7,
      {},
      Symbol('s'),
    ];
    for (const address of none) {
      const complaints: string[] = [];
      const complain = (cause: string): void => void complaints.push(cause);
      assert.equal(renderSnippet({ scriptUrl: address }, 'key', trace, complain), '');
      assert.equal(renderSnippet({ reportingUrl: address }, 'key', trace, complain), '');
      assert.equal(renderSnippet({ ...current, scriptUrl: address }, 'key', trace, complain), '');
      assert.equal(renderSnippet({ reportingUrl: address, scriptUrl: 'https://x/' }, 'key', trace, complain), '');
      assert.deepEqual(complaints, Array(4).fill('eumSnippet address'));
    }
  });

  it('is of bounded size', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, '\0'.repeat(100_000)]));
    const html = render({ ...current, meta: many }, '\0'.repeat(1_000_000));
    assert.equal(html.match(/ineum\('meta'/g)?.length, 25);
    assert.ok(html.length < 64 * 1024, String(html.length));
    const long = { [`${'n'.repeat(127)}😀`]: `${'v'.repeat(255)}😀`, ['m'.repeat(200)]: 'v'.repeat(300) };
    assert.deepEqual(run({ meta: long }).calls.slice(2), [
      ['meta', 'n'.repeat(127), 'v'.repeat(255)],
      ['meta', 'm'.repeat(128), 'v'.repeat(256)],
    ]);
  });

  it('takes own plain members of meta only', () => {
    const odd = {
      text: 'a',
      number: 7,
      yes: true,
      big: 10n,
      nothing: null,
      list: [1],
      symbol: Symbol('s'),
      [Symbol('name')]: 'b',
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

describe('hostile options', () => {
  const fails = (): never => {
    throw new Error('hostile');
  };
  const traps = { get: fails, ownKeys: fails, getOwnPropertyDescriptor: fails, has: fails, getPrototypeOf: fails };
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  it('are as good as none when they are no object', () => {
    const plain = render({});
    for (const options of [undefined, null, 0, 5n, 'text', true, Symbol('s'), () => {}, []])
      assert.equal(render(options), plain);
  });

  it('give no snippet when key or address cannot be read', () => {
    assert.equal(render(new Proxy({}, traps)), '');
    assert.equal(render(revoked()), '');
    for (const name of ['apiKey', 'reportingUrl', 'scriptUrl'])
      assert.equal(render(Object.defineProperty({}, name, { get: fails })), '', name);
    for (const apiKey of ['', 5, {}, Symbol('s'), { toString: fails }]) assert.equal(render({ apiKey }), '');
    assert.equal(render({}, null), '');
  });

  it('lose what cannot be read of the others', () => {
    for (const name of ['traceId', 'meta', 'nonce'])
      assert.equal(render(Object.defineProperty({}, name, { get: fails })), render({}), name);
    for (const meta of [new Proxy({}, traps), revoked(), 'text', 5, ['a'], new Map([['a', 'b']]), () => {}])
      assert.equal(render({ meta }), render({}));
    assert.equal(render({ traceId: { toString: fails }, nonce: revoked() }), render({}));
  });

  it('are read once each', () => {
    const reads: string[] = [];
    const options = new Proxy(
      { ...current },
      {
        get: (target, name) => {
          reads.push(String(name));
          return Reflect.get(target, name);
        },
      },
    );
    render(options);
    assert.deepEqual(reads.sort(), ['apiKey', 'meta', 'nonce', 'reportingUrl', 'scriptUrl', 'traceId']);
  });
});
