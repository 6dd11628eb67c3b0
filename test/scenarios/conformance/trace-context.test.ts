// Section 3 of W3C Trace Context, and W3C Baggage, against a real server that makes real calls: what comes in as lines of text, and
// what goes out again.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { waitUntil } from '../../support/agent/wait-until.js';
import { type Arrival, type Downstream, startDownstream } from '../../support/downstream.js';
import { appsFolder, type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

type Lines = readonly (readonly [name: string, value: string])[];

/** The context that one call passed on. */
interface PassedContext {
  readonly trace: string;
  readonly parent: string;
  readonly flags: string;
  /** The members of others, in order. */
  readonly members: readonly (readonly [key: string, value: string])[];
  readonly own: string | null;
  readonly baggage: string | null;
  readonly arrival: Arrival;
}

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';
const sampled = `00-${trace}-${parent}-01`;
const unsampled = `00-${trace}-${parent}-00`;

let agent: SpanCollector;
let downstream: Downstream;
let secure: Downstream;
let host: HostApp;
let keys = 0;

before(async () => {
  const certificate = (file: string): Buffer => readFileSync(join(appsFolder, 'certificate', file));
  agent = await startTestAgent();
  downstream = await startDownstream();
  secure = await startDownstream({ key: certificate('key.pem'), cert: certificate('cert.pem') });
  host = await runApp({
    file: 'trace-context.cjs',
    loader: 'require',
    agentPort: agent.port,
    downstreamUrl: downstream.url,
    env: { DOWNSTREAM_TLS_URL: secure.url },
  });
});

after(async () => {
  await host.stop();
  for (const server of [agent, downstream, secure]) await server.close();
});

/** Writes the lines as they are; the text of them is latin1, as bytes are. */
function send(path: string, lines: Lines): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(host.ports['app'] ?? 0, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n`, 'latin1');
  });
}

interface How {
  readonly kind?: string;
  readonly calls?: number;
  /** Headers that the application sets itself. */
  readonly set?: Lines;
}

async function arrivalsOf(lines: Lines, { kind = 'http', calls = 1, set = [] }: How): Promise<Arrival[]> {
  const key = `key${keys++}`;
  const answer = await send(`/${kind}/${calls}/${key}?headers=${encodeURIComponent(JSON.stringify(set))}`, lines);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/, answer);
  const found = (): Arrival[] => [...downstream.arrivals, ...secure.arrivals].filter(({ url }) => url === `/ok/${key}`);
  await waitUntil(() => found().length >= calls, `${calls} calls with ${key}`);
  assert.equal(found().length, calls);
  return found();
}

function valuesOf({ headers }: Arrival, wanted: string): string[] {
  return headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []));
}

/** The context that all calls passed on; each header comes once at most, and each is well-formed. */
function passedIn(arrival: Arrival): PassedContext {
  const [traceparent, ...more] = valuesOf(arrival, 'traceparent');
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[0-3])$/.exec(traceparent ?? '');
  assert.ok(match !== null && more.length === 0, `traceparent ${traceparent}`);
  const [, traceId = '', spanId = '', flags = ''] = match;
  assert.doesNotMatch(traceId, /^0+$/);
  assert.doesNotMatch(spanId, /^0+$/);
  const states = valuesOf(arrival, 'tracestate');
  assert.ok(states.length <= 1 && states[0] !== '');
  const members = (states[0] ?? '')
    .split(',')
    .filter((member) => member !== '')
    .map((member): [string, string] => [member.slice(0, member.indexOf('=')), member.slice(member.indexOf('=') + 1)]);
  assert.ok(members.length <= 32);
  const own = members[0]?.[0] === 'in' ? members.shift() : undefined;
  const baggage = valuesOf(arrival, 'baggage');
  assert.ok(baggage.length <= 1 && baggage[0] !== '');
  const suppressed = valuesOf(arrival, 'x-instana-l').join() === '0';
  if (!suppressed) {
    assert.equal(own?.[1], `${valuesOf(arrival, 'x-instana-t').join()};${spanId}`);
    assert.deepEqual(valuesOf(arrival, 'x-instana-s'), [spanId]);
  }
  assert.equal(flags === '00' || flags === '02', suppressed);
  return {
    trace: traceId,
    parent: spanId,
    flags,
    members,
    own: own?.[1] ?? null,
    baggage: baggage[0] ?? null,
    arrival,
  };
}

async function pass(lines: Lines, how: How = {}): Promise<PassedContext> {
  const [arrival] = await arrivalsOf(lines, how);
  assert.ok(arrival !== undefined);
  return passedIn(arrival);
}

const listOf = ({ members }: PassedContext): string => members.map(([key, value]) => `${key}=${value}`).join();

for (const kind of ['http', 'fetch', 'https']) {
  describe(`a call made with ${kind}`, () => {
    it('begins a trace where the caller had none, and says that its id is random', async () => {
      const passed = await pass([], { kind });
      assert.deepEqual([passed.flags, passed.members], ['03', []]);
      assert.match(passed.trace, /^0{16}/);
    });

    it('continues the trace of the caller as a span of its own', async () => {
      const passed = await pass([['traceparent', sampled]], { kind });
      assert.equal(passed.trace, trace);
      assert.notEqual(passed.parent, parent);
      assert.equal(passed.flags, '01');
      assert.deepEqual(valuesOf(passed.arrival, 'x-instana-t'), [trace.slice(16)]);
    });

    it('forwards tracestate and baggage', async () => {
      const passed = await pass(
        [
          ['traceparent', sampled],
          ['tracestate', 'foo=1,bar=2'],
          ['baggage', 'user=7;secret,cart=a%20b'],
        ],
        { kind },
      );
      assert.equal(listOf(passed), 'foo=1,bar=2');
      assert.equal(passed.baggage, 'user=7;secret,cart=a%20b');
    });

    it('hands all of it on where the caller wants no spans, too', async () => {
      const passed = await pass(
        [
          ['traceparent', unsampled],
          ['tracestate', 'foo=1,in=fa2375d711a4ca0f;02468acefdb97531,bar=2'],
          ['baggage', 'user=7'],
        ],
        { kind },
      );
      assert.deepEqual([passed.trace, passed.parent, passed.flags], [trace, parent, '00']);
      assert.equal(listOf(passed), 'foo=1,in=fa2375d711a4ca0f;02468acefdb97531,bar=2');
      assert.equal(passed.baggage, 'user=7');
      assert.deepEqual(valuesOf(passed.arrival, 'x-instana-t'), []);
    });

    it('is one of several with the same trace and each with another span', async () => {
      const withZeros = sampled.replace(parent, '0'.repeat(16));
      const requests: Lines[] = [[['traceparent', sampled]], [], [['traceparent', withZeros]]];
      for (const lines of requests) {
        const passed = (await arrivalsOf(lines, { kind, calls: 3 })).map(passedIn);
        assert.equal(new Set(passed.map((one) => one.parent)).size, 3);
        assert.equal(new Set(passed.map((one) => one.trace)).size, 1);
        assert.equal(passed[0]?.trace === trace, lines[0]?.[1] === sampled);
      }
    });
  });
}

describe('a traceparent', () => {
  const continued: Record<string, Lines> = {
    'named in capitals': [['TRACEPARENT', sampled]],
    'named in mixed case': [['TraceParent', sampled]],
    'named in any case': [['tRaCePaReNt', sampled]],
    'with a blank in front': [['traceparent', ` ${sampled}`]],
    'with a tab in front': [['traceparent', `\t${sampled}`]],
    'with a blank behind it': [['traceparent', `${sampled} `]],
    'with a tab behind it': [['traceparent', `${sampled}\t`]],
    'with blanks and tabs around it': [['traceparent', `\t ${sampled} \t`]],
    'of a later version': [['traceparent', sampled.replace('00-', 'cc-')]],
    'of a later version with more fields': [['traceparent', `${sampled.replace('00-', 'cc-')}-what-the-future-brings`]],
    'of a later version with an empty field more': [['traceparent', `${sampled.replace('00-', '01-')}-`]],
    'of the last version but one': [['traceparent', sampled.replace('00-', 'fe-')]],
    'with flags that are not defined yet': [['traceparent', sampled.replace(/01$/, 'fd')]],
  };
  for (const [what, lines] of Object.entries(continued)) {
    it(`${what} is continued`, async () => {
      const passed = await pass(lines);
      assert.deepEqual([passed.trace, passed.flags], [trace, '01']);
      assert.notEqual(passed.parent, parent);
    });
  }

  const other = sampled.replace(trace, trace.replace('4', '5'));
  const ignored: Record<string, Lines> = {
    'that came twice': [
      ['traceparent', sampled],
      ['traceparent', other],
    ],
    'that came twice alike': [
      ['traceparent', sampled],
      ['Traceparent', sampled],
    ],
    'that came twice in one line': [['traceparent', `${sampled},${sampled}`]],
    'with a dash in its name': [['trace-parent', sampled]],
    'with a dot in its name': [['trace.parent', sampled]],
    'with a longer name': [['traceparents', sampled]],
    'that is empty': [['traceparent', '']],
    'of version 00 with a character more': [['traceparent', `${sampled}.`]],
    'of version 00 with a dash more': [['traceparent', `${sampled}-`]],
    'of version 00 with more fields': [['traceparent', `${sampled}-what-the-future-brings`]],
    'of a later version with more characters': [['traceparent', `${sampled.replace('00-', 'cc-')}.what-it-does-not`]],
    'of a later version that is too short': [['traceparent', sampled.replace('00-', 'cc-').slice(0, -1)]],
    'of version ff': [['traceparent', sampled.replace('00-', 'ff-')]],
    'of a version of three digits': [['traceparent', `0${sampled}`]],
    'of a version of four digits': [['traceparent', `00${sampled}`]],
    'of a version of one digit': [['traceparent', sampled.slice(1)]],
    'of a version that begins with a dot': [['traceparent', sampled.replace('00-', '.0-')]],
    'of a version that ends with a dot': [['traceparent', sampled.replace('00-', '0.-')]],
    'of a version in capitals': [['traceparent', sampled.replace('00-', 'CC-')]],
    'without dashes': [['traceparent', sampled.replaceAll('-', '')]],
    'with underscores': [['traceparent', sampled.replaceAll('-', '_')]],
    'with a trace id of zeros': [['traceparent', sampled.replace(trace, '0'.repeat(32))]],
    'with a trace id in capitals': [['traceparent', sampled.replace(trace, trace.toUpperCase())]],
    'with a trace id that begins with a dot': [['traceparent', sampled.replace('4bf', '.bf')]],
    'with a trace id that ends with a dot': [['traceparent', sampled.replace('736-', '73.-')]],
    'with a trace id that is no number': [['traceparent', sampled.replace('4bf', 'xyz')]],
    'with a trace id that is too long': [['traceparent', sampled.replace(trace, `${trace}3`)]],
    'with a trace id that is too short': [['traceparent', sampled.replace(trace, trace.slice(1))]],
    'with a parent of zeros': [['traceparent', sampled.replace(parent, '0'.repeat(16))]],
    'with a parent in capitals': [['traceparent', sampled.replace(parent, parent.toUpperCase())]],
    'with a parent that begins with a dot': [['traceparent', sampled.replace('-00f0', '-.0f0')]],
    'with a parent that ends with a dot': [['traceparent', sampled.replace('2b7-', '2b.-')]],
    'with a parent that is too long': [['traceparent', sampled.replace(parent, `${parent}7`)]],
    'with a parent that is too short': [['traceparent', sampled.replace(parent, parent.slice(1))]],
    'with flags that begin with a dot': [['traceparent', sampled.replace(/01$/, '.1')]],
    'with flags that end with a dot': [['traceparent', sampled.replace(/01$/, '0.')]],
    'with flags in capitals': [['traceparent', sampled.replace(/01$/, '0A')]],
    'with flags of three digits': [['traceparent', sampled.replace(/01$/, '001')]],
    'with flags of one digit': [['traceparent', sampled.replace(/01$/, '1')]],
    'with letters of latin1': [['traceparent', sampled.replace('4', '\u00e4')]],
  };
  for (const [what, lines] of Object.entries(ignored)) {
    it(`${what} is ignored, and its tracestate with it`, async () => {
      const passed = await pass([...lines, ['tracestate', 'foo=1']]);
      assert.notEqual(passed.trace, trace);
      assert.match(passed.trace, /^0{16}/);
      assert.deepEqual([passed.flags, passed.members], ['03', []]);
    });
  }

  it('that says its id is random is believed', async () => {
    assert.equal((await pass([['traceparent', sampled.replace(/01$/, '03')]])).flags, '03');
    assert.equal((await pass([['traceparent', sampled.replace(/01$/, '02')]])).flags, '02');
    assert.equal((await pass([['traceparent', sampled.replace(/01$/, 'fc')]])).flags, '00');
  });

  it('gets another parent where its flag is taken away', async () => {
    const passed = await pass([
      ['traceparent', sampled],
      ['X-INSTANA-L', '0'],
      ['tracestate', 'foo=1'],
    ]);
    assert.deepEqual([passed.trace, passed.flags, listOf(passed)], [trace, '00', 'foo=1']);
    assert.notEqual(passed.parent, parent);
  });

  it('whose id ends in zeros is forwarded, though no span of the sensor can have such an id', async () => {
    const odd = `4bf92f3577b34da6${'0'.repeat(16)}`;
    const passed = await pass([['traceparent', sampled.replace(trace, odd)]]);
    assert.equal(passed.trace, odd);
    assert.doesNotMatch(valuesOf(passed.arrival, 'x-instana-t').join(), /^0+$/);
  });
});

/** Members of tracestate by number: `bar01=01`. */
function bars(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index).padStart(2, '0'))
    .map((number) => `bar${number}=${number}`)
    .join();
}

/** Members of so many characters each, all with different keys. */
function sized(count: number, length: number, first = 0): string {
  return Array.from({ length: count }, (_, index) => `k${first + index}=`.padEnd(length, 'v')).join();
}

// Where nothing is recorded a list without fault goes on unchanged, our own member in its place. One with a fault is mended there
// just as in a trace, although the official sensor forwards anything: what breaks the grammar, has more than 32 members or more than
// 4,096 characters would be refused by the neighbour, and the specification makes no difference between the two.
for (const [what, traceparent] of Object.entries({ 'is traced': sampled, 'is not sampled': unsampled })) {
  describe(`the tracestate of a request that ${what}`, () => {
    const stated = (...states: string[]): Promise<PassedContext> =>
      pass([['traceparent', traceparent], ...states.map((state): [string, string] => ['tracestate', state])]);

    const kept: Record<string, readonly [string[], string]> = {
      'one member': [['foo=1'], 'foo=1'],
      'several members in their order': [['foo=1,bar=2'], 'foo=1,bar=2'],
      'several lines': [['foo=1,bar=2', 'rojo=1,congo=2', 'baz=3'], 'foo=1,bar=2,rojo=1,congo=2,baz=3'],
      'an empty line': [[''], ''],
      'an empty line behind': [['foo=1', ''], 'foo=1'],
      'an empty line in front': [['', 'foo=1'], 'foo=1'],
      'empty members': [[',foo=1,, ,\t,bar=2,'], 'foo=1,bar=2'],
      'nothing but commas': [[',,,'], ''],
      'blanks and tabs between members': [['foo=1 \t , \t bar=2, \t baz=3'], 'foo=1,bar=2,baz=3'],
      'tabs and blanks between members': [['foo=1\t \t,\t \tbar=2,\t \tbaz=3'], 'foo=1,bar=2,baz=3'],
      'a blank in front': [[' foo=1'], 'foo=1'],
      'a tab in front': [['\tfoo=1'], 'foo=1'],
      'a blank behind': [['foo=1 '], 'foo=1'],
      'a tab behind': [['foo=1\t'], 'foo=1'],
      'blanks and tabs around': [['\t foo=1 \t'], 'foo=1'],
      'a value that begins with blanks': [['foo=  1 2,bar=2'], 'foo=  1 2,bar=2'],
      'a member without a value': [['foo=1,garbage,bar=2'], 'foo=1,bar=2'],
      'a key that begins with a digit': [['1foo=1'], '1foo=1'],
      'a key of a tenant': [['foo@bar=1'], 'foo@bar=1'],
      'a key that comes twice alike': [['foo=1,foo=1'], 'foo=1'],
      'a key that comes twice': [['foo=1,bar=3,foo=2'], 'foo=1,bar=3'],
      'a key that comes in two lines': [['foo=1', 'foo=2'], 'foo=1'],
      'a key of 256 characters': [['foo=1', `${'z'.repeat(256)}=1`], `foo=1,${'z'.repeat(256)}=1`],
      'a key that ends with an at sign': [['foo@=1,bar=2'], 'foo@=1,bar=2'],
      'a key with two at signs': [['foo@@bar=1,bar=2'], 'foo@@bar=1,bar=2'],
      'a key with two at signs apart': [['foo@bar@baz=1,bar=2'], 'foo@bar@baz=1,bar=2'],
      'a key of 242 characters before an at sign': [
        ['bar=2', `${'t'.repeat(242)}@v=1`],
        `bar=2,${'t'.repeat(242)}@v=1`,
      ],
      'a key of 15 characters after an at sign': [['bar=2', `t@${'v'.repeat(15)}=1`], `bar=2,t@${'v'.repeat(15)}=1`],
      'a key of 256 characters, the last of them an at sign': [
        ['bar=2', `${'t'.repeat(255)}@=1`],
        `bar=2,${'t'.repeat(255)}@=1`,
      ],
      'a value of 256 characters': [['foo=1', `bar=${'v'.repeat(256)}`], `foo=1,bar=${'v'.repeat(256)}`],
      '31 members': [[bars(1, 31)], bars(1, 31)],
      '31 members of 128 characters': [[sized(31, 128)], sized(31, 128)],
      '20 members of 200 characters in two lines': [[sized(10, 200), sized(10, 200, 10)], sized(20, 200)],
    };
    for (const [list, [states, expected]] of Object.entries(kept)) {
      it(`with ${list} is forwarded`, async () => {
        const passed = await stated(...states);
        assert.equal(passed.trace, trace);
        assert.equal(listOf(passed), expected);
      });
    }

    it('may have every character that is allowed', async () => {
      const key = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/';
      const codes = Array.from({ length: 0x5f }, (_, index) => String.fromCharCode(0x20 + index));
      const value = codes.filter((character) => character !== ',' && character !== '=').join('');
      for (const name of [key, `${key}@a-z0-9_-*/`])
        assert.equal(listOf(await stated(`${name}=${value}`)), `${name}=${value}`);
    });

    it('may be named in any case, but not be misspelt', async () => {
      for (const name of ['TraceState', 'TrAcEsTaTe', 'TRACESTATE'])
        assert.equal(
          listOf(
            await pass([
              ['traceparent', traceparent],
              [name, 'foo=1'],
            ]),
          ),
          'foo=1',
        );
      for (const name of ['trace-state', 'trace.state', 'tracestates'])
        assert.equal(
          listOf(
            await pass([
              ['traceparent', traceparent],
              [name, 'foo=1'],
            ]),
          ),
          '',
        );
    });

    const dropped: Record<string, string[]> = {
      'a blank in a key': ['foo =1,bar=2'],
      'capitals in a key': ['FOO=1,bar=2'],
      'a dot in a key': ['foo.bar=1,bar=2'],
      'an empty key': ['=1,bar=2'],
      'a key that begins with a dash': ['-foo=1,bar=2'],
      'an at sign in front of a key': ['@foo=1,bar=2'],
      'a key that is an at sign': ['bar=2', '@=1'],
      'a key of 257 characters, the last of them an at sign': ['bar=2', `${'t'.repeat(256)}@=1`],
      'a key of 257 characters': ['bar=2', `${'z'.repeat(257)}=1`],
      'an equals sign in a value': ['foo=bar=baz,bar=2'],
      'an empty value': ['foo=,bar=2'],
      'a blank value': ['foo=  ,bar=2'],
      'a tab in a value': ['foo=1\t2,bar=2'],
      'a value of 257 characters': [`foo=${'v'.repeat(257)},bar=2`],
      'letters of latin1': ['foo=\u00e4,bar=2'],
      'bytes of UTF-8 in a key': ['f\u00c3\u00b6=1,bar=2'],
      '33 members in several lines': [bars(1, 10), bars(11, 20), bars(21, 30), bars(31, 33)],
    };
    for (const [list, states] of Object.entries(dropped)) {
      it(`with ${list} is dropped`, async () => {
        const passed = await stated(...states);
        assert.equal(passed.trace, trace);
        assert.deepEqual(passed.members, []);
      });
    }

    it('has 32 members at most', async () => {
      const isTraced = traceparent === sampled;
      const whole = await stated(bars(1, 10), bars(11, 20), bars(21, 30), bars(31, 32));
      assert.equal(listOf(whole), bars(1, isTraced ? 31 : 32));
      assert.equal(whole.own !== null, isTraced);
      assert.equal(listOf(await stated(bars(1, 40))), bars(1, isTraced ? 31 : 32));
    });

    it('of 32 members in one header goes on whole, or behind ours without the last one', async () => {
      const isTraced = traceparent === sampled;
      for (const list of [bars(1, 32), `in=1;2,${bars(1, 31)}`, sized(32, 120)]) {
        const passed = await stated(list);
        const others = list.split(',').filter((member) => !member.startsWith('in='));
        assert.equal(listOf(passed), others.slice(0, isTraced ? 31 : 32).join());
        assert.equal(passed.own !== null, isTraced || list.startsWith('in='));
      }
    });

    it('has 4,096 characters at most, whole members, without the long ones first', async () => {
      const short = sized(4, 128);
      for (const end of ['', ',end=1'])
        assert.equal(
          listOf(await stated(`a=1,${short},${sized(20, 250, 4)}${end}`)),
          `a=1,${short},${sized(14, 250, 4)}${end}`,
        );
      const [start, end] = [sized(27, 128), 'end='.padEnd(111, 'v')];
      const whole = `${start},${sized(2, 250, 30)},${end}`;
      assert.equal(whole.length, 4096);
      assert.equal(listOf(await stated(whole)), whole);
      assert.equal(listOf(await stated(`${whole}v`)), `${start},${sized(1, 250, 30)},${end}v`);
    });
  });
}

describe('a tracestate', () => {
  it('without a traceparent is nothing', async () => {
    for (const state of ['foo=1', 'foo=1,bar=2', 'in=fa2375d711a4ca0f;02468acefdb97531'])
      assert.deepEqual((await pass([['tracestate', state]])).members, []);
  });

  it('has our member once, in front, in place of an earlier one', async () => {
    const own = 'in=fa2375d711a4ca0f;02468acefdb97531';
    for (const state of [
      `${own},foo=1`,
      `foo=1,${own}`,
      `${own},foo=1,${own}`,
      `IN=1;2,foo=1`,
      `in=x,foo=1`,
      `foo=1,in=`,
    ]) {
      const passed = await pass([
        ['traceparent', sampled],
        ['tracestate', state],
      ]);
      assert.equal(listOf(passed), 'foo=1', state);
    }
  });

  it('has the span of the nearest ancestor that is an Instana span', async () => {
    const id = 'a0b0c0d0e0f00010';
    const passed = await pass([
      ['traceparent', sampled.replace(trace, `0123456789abcdef${id}`)],
      ['tracestate', 'foo=1,in=fa2375d711a4ca0f;2468acefdb97531'],
    ]);
    assert.equal(passed.trace, `0123456789abcdef${id}`);
    await agent.waitForSpans((all) => all.some(({ t, k }) => t === id && k === 1), 8000);
    const entry = agent.spans().find(({ t, k }) => t === id && k === 1);
    assert.deepEqual(
      [entry?.p, entry?.lt, entry?.tp, entry?.ia],
      [parent, `0123456789abcdef${id}`, true, { t: 'fa2375d711a4ca0f', p: '02468acefdb97531' }],
    );
  });
});

describe('baggage', () => {
  const carried = async (lines: readonly string[], how: How = {}): Promise<string | null> =>
    (
      await pass(
        lines.map((line): [string, string] => ['baggage', line]),
        how,
      )
    ).baggage;

  it('is forwarded as it came, with or without a trace', async () => {
    for (const text of [
      'a=1',
      'a=1;p;q = 2 , b = %20 ;r',
      "key!#$%&'*+-.^_`|~=!#$%&'()*+-./:<=>?@[]^_`{|}~",
      'a=',
      'a==',
    ])
      assert.equal(await carried([text]), text);
    assert.equal(
      (
        await pass([
          ['Baggage', 'a=1'],
          ['traceparent', 'garbage'],
        ])
      ).baggage,
      'a=1',
    );
    assert.equal(
      (
        await pass([
          ['baggage', 'a=1'],
          ['X-INSTANA-L', '0'],
        ])
      ).baggage,
      'a=1',
    );
  });

  it('of several lines becomes one', async () => {
    assert.equal(await carried(['a=1', 'b=2;p', ' c=3 ']), 'a=1,b=2;p,c=3');
  });

  it('loses the members that are malformed', async () => {
    const wrong = ['b', '=1', 'b c=1', 'b="1"', 'b=1 2', 'b=\u00e4', 'b=1;', 'b=1;=2', 'b=1\\', 'b@=1', '', ' '];
    for (const member of wrong) assert.equal(await carried([`a=1,${member},c=3`]), 'a=1,c=3', member);
    assert.equal(await carried(wrong), null);
  });

  it('has 64 members and 8192 bytes at most', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `k${index}=1`);
    assert.equal(await carried([many.slice(0, 100).join(), many.slice(100).join()]), many.slice(0, 64).join());
    assert.equal(await carried([`a=1,b=${'x'.repeat(12_000)},c=3`]), 'a=1,c=3');
  });

  it('leaves room for the other headers in a head of 8192 bytes', async () => {
    const large = `a=${'x'.repeat(3500)},b=${'y'.repeat(3500)}`;
    assert.equal(await carried([large]), large);
    const full = `a=${'x'.repeat(4093)},b=${'y'.repeat(4094)}`;
    assert.equal(full.length, 8192);
    assert.equal(await carried([full]), full.split(',')[0]);
  });
});

describe('headers that the application sets itself', () => {
  const incoming: Lines = [
    ['traceparent', sampled],
    ['tracestate', 'foo=1'],
    ['baggage', 'a=1'],
  ];
  const names = ['x-instana-t', 'x-instana-s', 'x-instana-l', 'traceparent', 'tracestate', 'baggage'];
  const arrived = async (kind: string, set: Lines): Promise<Record<string, string[]>> => {
    const [arrival] = await arrivalsOf(incoming, { kind, set });
    assert.ok(arrival !== undefined);
    return Object.fromEntries(names.map((name) => [name, valuesOf(arrival, name)]));
  };
  const single = (found: Record<string, string[]>): void => {
    for (const [name, values] of Object.entries(found)) assert.ok(values.length <= 1, `${name}: ${values}`);
  };

  for (const kind of ['http', 'https', 'flat', 'pairs', 'fetch']) {
    it(`win with ${kind}, and nothing comes twice`, async () => {
      const parents = await arrived(kind, [['Traceparent', 'mine']]);
      single(parents);
      assert.deepEqual([parents['traceparent'], parents['tracestate']], [['mine'], []]);
      assert.equal(parents['x-instana-t']?.[0], trace.slice(16));
      assert.deepEqual(parents['baggage'], ['a=1']);
      const states = await arrived(kind, [['tracestate', 'mine=1']]);
      single(states);
      assert.deepEqual([states['traceparent'], states['tracestate']], [[], ['mine=1']]);
      const baggage = await arrived(kind, [['BAGGAGE', 'mine=1']]);
      single(baggage);
      assert.deepEqual(baggage['baggage'], ['mine=1']);
      assert.equal(baggage['traceparent']?.[0]?.slice(3, 35), trace);
      const ids = await arrived(kind, [
        ['x-instana-t', '2222222222222222'],
        ['x-instana-s', '1111111111111111'],
      ]);
      single(ids);
      assert.deepEqual([ids['x-instana-t'], ids['x-instana-s']], [['2222222222222222'], ['1111111111111111']]);
      assert.deepEqual([ids['traceparent'], ids['baggage']], [[], ['a=1']]);
      const half = await arrived(kind, [['x-instana-s', '1111111111111111']]);
      single(half);
      assert.deepEqual(half['x-instana-t'], [trace.slice(16)], 'half a context is none');
      assert.notDeepEqual(half['x-instana-s'], ['1111111111111111']);
    });

    it(`do not break the trace when they are only its id, forwarded with ${kind}`, async () => {
      const found = await arrived(kind, [['x-instana-t', trace.slice(16)]]);
      single(found);
      assert.deepEqual(found['x-instana-t'], [trace.slice(16)]);
      assert.match(found['x-instana-s']?.[0] ?? '', /^[0-9a-f]{16}$/);
      assert.deepEqual(found['x-instana-l'], ['1']);
      assert.equal(found['traceparent']?.[0]?.slice(3, 35), trace);
    });
  }

  it('replace ours when they are set later', async () => {
    const found = await arrived('later', [
      ['traceparent', 'mine'],
      ['Baggage', 'mine=1'],
    ]);
    single(found);
    assert.deepEqual([found['traceparent'], found['baggage']], [['mine'], ['mine=1']]);
  });
});

describe('a call that is not made directly by the request', () => {
  const incoming: Lines = [
    ['traceparent', sampled],
    ['tracestate', 'foo=1'],
    ['baggage', 'a=1'],
  ];

  for (const kind of ['manual', 'deferred']) {
    it(`but ${kind === 'manual' ? 'below manual spans' : 'after its end'} has the same context`, async () => {
      const passed = await pass(incoming, { kind });
      assert.deepEqual([passed.trace, passed.flags, listOf(passed), passed.baggage], [trace, '01', 'foo=1', 'a=1']);
      const suppressed = await pass([['traceparent', unsampled], ...incoming.slice(1)], { kind });
      assert.deepEqual(
        [suppressed.trace, suppressed.parent, suppressed.flags, listOf(suppressed), suppressed.baggage],
        [trace, parent, '00', 'foo=1', 'a=1'],
      );
    });
  }

  it('has the long id of X-INSTANA-T', async () => {
    const lines: Lines = [
      ['X-INSTANA-T', `0123456789abcdef${trace.slice(16)}`],
      ['X-INSTANA-S', parent],
      ['baggage', 'a=1'],
    ];
    for (const kind of ['http', 'manual']) {
      const passed = await pass(lines, { kind });
      assert.deepEqual(
        [passed.trace, passed.flags, passed.baggage],
        [`0123456789abcdef${trace.slice(16)}`, '03', 'a=1'],
      );
    }
  });
});
