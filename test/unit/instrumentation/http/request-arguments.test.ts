// Every form of arguments that http.request and https.request take, and that Node.js makes the same request of what we pass on.
import assert from 'node:assert/strict';
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { describe, it } from 'node:test';
import { URL } from 'node:url';
import { type Protocol, parseArguments } from '../../../../src/instrumentation/http/request-arguments.js';

type Args = readonly [input?: unknown, options?: unknown, callback?: unknown];
/** Method, origin and path of the span. */
type Recorded = readonly [method: string, origin: string | null, path: string];

const callback = (): void => {};
const withAddedHeaders = Object.assign(new URL('http://127.0.0.1:1/added'), { headers: { a: '1' }, method: 'put' });
const withAddedPath = Object.assign(new URL('http://127.0.0.1:1/p'), { extra: 1 });
/** An object that has what Node.js takes for a URL. */
const likeUrl = {
  href: 'http://127.0.0.1:1/like',
  protocol: 'http:',
  hostname: '127.0.0.1',
  host: '127.0.0.1:1',
  port: '1',
  pathname: '/like',
  search: '?a=1',
  hash: '',
  username: '',
  password: '',
};

interface Row {
  readonly form: string;
  readonly args: Args;
  readonly recorded: Recorded;
  /** The address that is passed on before the options; a text for a URL that is parsed from one. */
  readonly address?: unknown;
  /** The copy of the options that is passed on. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly hasCallback?: boolean;
  readonly protocol?: Protocol;
  /** Node.js cannot make a request of it, with or without us. */
  readonly isRefused?: boolean;
}

const rows: readonly Row[] = [
  // A text
  {
    form: 'a text',
    args: ['http://127.0.0.1:1/a?b=1'],
    recorded: ['GET', 'http://127.0.0.1:1', '/a?b=1'],
    address: 'http://127.0.0.1:1/a?b=1',
    options: {},
  },
  {
    form: 'a text and a callback',
    args: ['http://127.0.0.1:1', callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/'],
    address: 'http://127.0.0.1:1/',
    options: {},
    hasCallback: true,
  },
  {
    form: 'a text, options and a callback',
    args: ['http://127.0.0.1:1/a', { method: 'post', headers: { a: '1' } }, callback],
    recorded: ['POST', 'http://127.0.0.1:1', '/a'],
    address: 'http://127.0.0.1:1/a',
    options: { method: 'post', headers: { a: '1' } },
    hasCallback: true,
  },
  {
    form: 'a text, undefined and a callback',
    args: ['http://127.0.0.1:1/a', undefined, callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/a'],
    address: 'http://127.0.0.1:1/a',
    options: {},
    hasCallback: true,
  },
  {
    form: 'a text, null and a callback',
    args: ['http://127.0.0.1:1/a', null, callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/a'],
    address: 'http://127.0.0.1:1/a',
    options: {},
    hasCallback: true,
  },
  {
    form: 'a text whose path is overridden',
    args: ['http://127.0.0.1:1/a?b=1', { path: '/c?d=2' }],
    recorded: ['GET', 'http://127.0.0.1:1', '/c?d=2'],
    address: 'http://127.0.0.1:1/a?b=1',
    options: { path: '/c?d=2', headers: undefined },
  },
  {
    form: 'a text whose port and host are overridden',
    args: ['http://127.0.0.1:1/a', { hostname: 'LOCALHOST', port: 2 }],
    recorded: ['GET', 'http://localhost:2', '/a'],
    address: 'http://127.0.0.1:1/a',
    options: { hostname: 'LOCALHOST', port: 2, headers: undefined },
  },
  {
    form: 'a text with credentials',
    args: ['http://user:password@127.0.0.1:1/'],
    recorded: ['GET', 'http://<redacted>:<redacted>@127.0.0.1:1', '/'],
    address: 'http://user:password@127.0.0.1:1/',
    options: {},
  },
  {
    form: 'a text with an overridden auth',
    args: ['http://127.0.0.1:1/', { auth: 'user:password' }],
    recorded: ['GET', 'http://<redacted>:<redacted>@127.0.0.1:1', '/'],
    address: 'http://127.0.0.1:1/',
    options: { auth: 'user:password', headers: undefined },
  },
  {
    form: 'a text with a fragment and an IPv6 address',
    args: ['http://[::1]:1/a#b'],
    recorded: ['GET', 'http://[::1]:1', '/a'],
    address: 'http://[::1]:1/a#b',
    options: {},
  },
  // A URL
  {
    form: 'a URL',
    args: [new URL('http://127.0.0.1:1/u?v=1')],
    recorded: ['GET', 'http://127.0.0.1:1', '/u?v=1'],
    address: 'http://127.0.0.1:1/u?v=1',
    options: {},
  },
  {
    form: 'a URL and a callback',
    args: [new URL('http://127.0.0.1:1/u'), callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/u'],
    address: 'http://127.0.0.1:1/u',
    options: {},
    hasCallback: true,
  },
  {
    form: 'a URL, options and a callback',
    args: [new URL('http://127.0.0.1:1/u'), { method: 'DELETE' }, callback],
    recorded: ['DELETE', 'http://127.0.0.1:1', '/u'],
    address: 'http://127.0.0.1:1/u',
    options: { method: 'DELETE' },
    hasCallback: true,
  },
  {
    form: 'a URL whose path is overridden, and a callback',
    args: [new URL('http://127.0.0.1:1/u'), { path: '/v' }, callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/v'],
    address: 'http://127.0.0.1:1/u',
    options: { path: '/v', headers: undefined },
    hasCallback: true,
  },
  {
    form: 'a URL with a path of undefined in the options',
    args: [new URL('http://127.0.0.1:1/u'), { path: undefined }],
    recorded: ['GET', 'http://127.0.0.1:1', '/'],
    address: 'http://127.0.0.1:1/u',
    options: { path: undefined, headers: undefined },
  },
  {
    form: 'a URL to which headers and a method were added',
    args: [withAddedHeaders],
    recorded: ['PUT', 'http://127.0.0.1:1', '/added'],
    address: 'http://127.0.0.1:1/added',
    options: { headers: { a: '1' } },
  },
  {
    form: 'a URL to which headers were added, and headers in the options',
    args: [withAddedHeaders, { headers: { b: '2' } }],
    recorded: ['PUT', 'http://127.0.0.1:1', '/added'],
    address: 'http://127.0.0.1:1/added',
    options: { headers: { b: '2' } },
  },
  {
    form: 'a URL to which anything else was added',
    args: [withAddedPath],
    recorded: ['GET', 'http://127.0.0.1:1', '/p'],
    address: 'http://127.0.0.1:1/p',
    options: { headers: undefined },
  },
  {
    form: 'an object that Node.js takes for a URL',
    args: [likeUrl, { method: 'GET' }],
    recorded: ['GET', 'http://127.0.0.1:1', '/like?a=1'],
    address: 'http://127.0.0.1:1/like',
    options: { method: 'GET', headers: undefined },
  },
  // Options
  {
    form: 'options',
    args: [{ host: '127.0.0.1', port: 1, path: '/o', method: 'PATCH' }],
    recorded: ['PATCH', 'http://127.0.0.1:1', '/o'],
    options: { host: '127.0.0.1', port: 1, path: '/o', method: 'PATCH' },
  },
  {
    form: 'options and a callback',
    args: [{ host: '127.0.0.1', port: '1' }, callback],
    recorded: ['GET', 'http://127.0.0.1:1', '/'],
    options: { host: '127.0.0.1', port: '1' },
    hasCallback: true,
  },
  {
    form: 'options with a hostname beside the host',
    args: [{ hostname: '127.0.0.1', host: 'localhost', port: 1 }],
    recorded: ['GET', 'http://127.0.0.1:1', '/'],
    options: { hostname: '127.0.0.1', host: 'localhost', port: 1 },
  },
  {
    form: 'options with an IPv6 address',
    args: [{ host: '::1', port: 1 }],
    recorded: ['GET', 'http://[::1]:1', '/'],
    options: { host: '::1', port: 1 },
  },
  {
    form: 'options with the default port',
    args: [{ host: '127.0.0.1', port: 80 }],
    recorded: ['GET', 'http://127.0.0.1', '/'],
    options: { host: '127.0.0.1', port: 80 },
  },
  {
    form: 'options with a default port of their own',
    args: [{ host: '127.0.0.1', defaultPort: 1 }],
    recorded: ['GET', 'http://127.0.0.1:1', '/'],
    options: { host: '127.0.0.1', defaultPort: 1 },
  },
  {
    form: 'options with credentials',
    args: [{ host: '127.0.0.1', port: 1, auth: 'user:password' }],
    recorded: ['GET', 'http://<redacted>:<redacted>@127.0.0.1:1', '/'],
    options: { host: '127.0.0.1', port: 1, auth: 'user:password' },
  },
  {
    form: 'options with an empty path and method',
    args: [{ port: 1, path: '', method: '' }],
    recorded: ['', 'http://localhost:1', '/'],
    options: { port: 1, path: '', method: '' },
  },
  {
    form: 'options without a prototype, frozen',
    args: [Object.freeze(Object.assign(Object.create(null), { port: 1 })), callback],
    recorded: ['GET', 'http://localhost:1', '/'],
    options: { port: 1 },
    hasCallback: true,
  },
  { form: 'empty options', args: [{}], recorded: ['GET', 'http://localhost', '/'], options: {} },
  { form: 'nothing', args: [], recorded: ['GET', 'http://localhost', '/'], options: {} },
  { form: 'undefined', args: [undefined], recorded: ['GET', 'http://localhost', '/'], options: {} },
  { form: 'null', args: [null], recorded: ['GET', 'http://localhost', '/'], options: {} },
  {
    form: 'null and a callback',
    args: [null, callback],
    recorded: ['GET', 'http://localhost', '/'],
    options: {},
    hasCallback: true,
  },
  // Headers
  ...[
    ['an object', { a: '1', 'x-list': ['2', '3'] }],
    ['a flat list', ['a', '1', 'b', '2']],
    ['pairs', [['a', '1'] as const, ['b', '2'] as const]],
    ['undefined', undefined],
  ].map(
    ([form, headers]): Row => ({
      form: `headers as ${String(form)}`,
      args: [{ host: '127.0.0.1', port: 1, headers }],
      recorded: ['GET', 'http://127.0.0.1:1', '/'],
      options: { host: '127.0.0.1', port: 1, headers },
    }),
  ),
  // https
  {
    form: 'https: a text, options and a callback',
    args: ['https://127.0.0.1:1/s', { method: 'HEAD' }, callback],
    recorded: ['HEAD', 'https://127.0.0.1:1', '/s'],
    address: 'https://127.0.0.1:1/s',
    options: { method: 'HEAD' },
    hasCallback: true,
    protocol: 'https:',
  },
  {
    form: 'https: a text and a callback',
    args: ['https://127.0.0.1:1/s', callback],
    recorded: ['GET', 'https://127.0.0.1:1', '/s'],
    address: 'https://127.0.0.1:1/s',
    options: {},
    hasCallback: true,
    protocol: 'https:',
  },
  {
    form: 'https: a text, undefined and a callback, which https ignores',
    args: ['https://127.0.0.1:1/s', undefined, callback],
    recorded: ['GET', 'https://127.0.0.1:1', '/s'],
    address: 'https://127.0.0.1:1/s',
    options: {},
    hasCallback: false,
    protocol: 'https:',
  },
  {
    form: 'https: options with the default port, and a callback',
    args: [{ host: '127.0.0.1', port: 443 }, callback],
    recorded: ['GET', 'https://127.0.0.1', '/'],
    options: { host: '127.0.0.1', port: 443 },
    hasCallback: true,
    protocol: 'https:',
  },
  {
    form: 'https: options with the protocol of http, which Node.js refuses',
    args: [{ host: '127.0.0.1', protocol: 'http:', port: 443 }],
    recorded: ['GET', 'http://127.0.0.1:443', '/'],
    options: { host: '127.0.0.1', protocol: 'http:', port: 443 },
    protocol: 'https:',
    isRefused: true,
  },
  {
    form: 'a text of a protocol that Node.js refuses',
    args: ['ftp://127.0.0.1:1/f'],
    recorded: ['GET', 'ftp://127.0.0.1:1', '/f'],
    address: 'ftp://127.0.0.1:1/f',
    options: { headers: undefined },
    isRefused: true,
  },
];

/** A request as Node.js has made it, or its error. Nothing is sent. */
function made(protocol: Protocol, args: readonly unknown[]): unknown {
  const request = (protocol === 'https:' ? https.request : http.request) as (...args: unknown[]) => ClientRequest;
  try {
    const made = request(...args);
    made.on('error', () => {}).destroy();
    const { method, path, host, protocol } = made;
    const { agent, auth } = made as { agent?: { defaultPort?: unknown }; auth?: unknown }; // not in the types
    return {
      method,
      path,
      host,
      protocol,
      auth,
      defaultPort: agent?.defaultPort,
      headers: { ...made.getHeaders() },
      head: (made as { _header?: unknown })._header, // a raw list is in the head only
      callbacks: made.listenerCount('response'),
    };
  } catch (error) {
    return String(error);
  }
}

describe('arguments of an outgoing request:', () => {
  for (const { form, args, recorded, address, options, hasCallback = false, protocol = 'http:', isRefused } of rows) {
    it(`${form}, are copied and recorded`, () => {
      const parsed = parseArguments(args[0], args[1], args[2], protocol);
      assert.deepEqual([parsed.method, parsed.origin, parsed.path], recorded);
      const passed = parsed.address;
      assert.equal(typeof passed === 'object' && passed !== null ? (passed as URL).href : passed, address);
      assert.deepEqual(parsed.options, { ...options });
      assert.ok(!args.includes(parsed.options), 'a copy');
      assert.equal(parsed.callback, hasCallback ? callback : undefined);
    });

    it(`${form}, make the same request`, () => {
      const parsed = parseArguments(args[0], args[1], args[2], protocol);
      const list = [...(parsed.address === undefined ? [] : [parsed.address]), parsed.options, parsed.callback];
      const expected = made(protocol, args);
      assert.deepEqual(made(protocol, list), expected);
      assert.equal(typeof expected === 'string', isRefused === true, JSON.stringify(expected));
    });
  }

  for (const [form, args, path] of [
    ['a text that is no URL', ['/no-host'], '/no-host'],
    ['an empty text', ['', callback], ''],
    ['a very long text that is no URL', [`no url ${'x'.repeat(10_000)}`], `no url ${'x'.repeat(4089)}`],
    ['a function', [callback], ''],
    ['a function and options', [callback, { port: 1 }], ''],
  ] as const) {
    it(`${form}, are left to Node.js`, () => {
      const parsed = parseArguments(args[0], args[1], undefined, 'http:');
      assert.equal(parsed.options, null);
      assert.deepEqual([parsed.method, parsed.origin, parsed.path], ['GET', null, path]);
    });
  }

  it('with an agent of another port or protocol are recorded with those', () => {
    const agent = { defaultPort: 8443, protocol: 'https:' };
    const byUrl = parseArguments('http://127.0.0.1/a', { agent }, undefined, 'http:');
    assert.deepEqual([byUrl.origin, byUrl.address], ['http://127.0.0.1:8443', 'http://127.0.0.1/a']);
    assert.equal(parseArguments({ host: 'h', agent }, undefined, undefined, 'http:').origin, 'https://h:8443');
    assert.equal(parseArguments({ host: 'h', agent: null }, undefined, undefined, 'http:').origin, 'http://h');
  });

  it('with credentials say how long the header is that Node.js makes of them', () => {
    const base = 'http://127.0.0.1/';
    const line = `Authorization: Basic ${Buffer.from('user:secret').toString('base64')}\r\n`.length;
    for (const [input, options] of [
      ['http://user:secret@127.0.0.1/', {}],
      [base, { auth: 'user:secret' }],
      [{ auth: 'user:secret' }, undefined],
    ])
      assert.equal(parseArguments(input, options, undefined, 'http:').credentialsLength, line);
    assert.equal(parseArguments(base, {}, undefined, 'http:').credentialsLength, 0);
    assert.equal(parseArguments('not a URL', {}, undefined, 'http:').credentialsLength, 0);
  });

  it('are not changed', () => {
    const options = { headers: { a: '1' }, method: 'get' };
    const parsed = parseArguments('http://127.0.0.1:1/', options, callback, 'http:');
    if (parsed.options !== null) parsed.options['headers'] = {};
    assert.deepEqual(options, { headers: { a: '1' }, method: 'get' });
  });

  it('let the error of a getter through, for the caller to call Node.js as it was called', () => {
    const options = Object.defineProperty({}, 'port', {
      enumerable: true,
      get: () => {
        throw new Error('host getter');
      },
    });
    assert.throws(() => parseArguments(options, undefined, undefined, 'http:'), { message: 'host getter' });
  });
});
