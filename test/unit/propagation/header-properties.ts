// Properties of trace headers with any input. A test run tries a few cases, a long one many.
import assert from 'node:assert/strict';
import { IncomingMessage, OutgoingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import { Socket } from 'node:net';
import { it } from 'node:test';
import fc from 'fast-check';
import { extractBinary, extractTextMap, injectTextMap } from '../../../src/opentracing/carriers.js';
import { readBaggage } from '../../../src/propagation/baggage.js';
import { TraceHeaderReader } from '../../../src/propagation/trace-headers.js';
import { readTraceparent } from '../../../src/propagation/traceparent.js';
import { readTracestate } from '../../../src/propagation/tracestate.js';
import { W3cContext } from '../../../src/propagation/w3c-context.js';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { ToolBox } from '../instrumentation/tool-box.js';

const hex = '0123456789abcdef';
const digits = (from: number, to: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...hex), minLength: from, maxLength: to });
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 80 }),
  fc.constantFrom(
    '',
    ' ',
    '\t',
    '__proto__',
    'constructor',
    '\u0000',
    '\r\nX-Injected: 1',
    '"><script>',
    '%0d%0a',
    '\ud800',
  ),
);

/** Texts that are almost right: a piece is missing, doubled, or replaced by something else. */
function almost(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const spoilt = fc
    .tuple(text, fc.nat(200), fc.nat(10), fc.oneof(anyText, fc.constantFrom(',', ';', '=', '-', '@', ' , ', '\t')))
    .map(([whole, at, length, other]) => {
      const place = whole.length === 0 ? 0 : at % whole.length;
      return whole.slice(0, place) + other + whole.slice(place + length);
    });
  return fc.oneof({ weight: 3, arbitrary: text }, { weight: 2, arbitrary: spoilt }, { weight: 1, arbitrary: anyText });
}

const id = almost(
  fc.oneof(
    digits(16, 16),
    digits(32, 32),
    digits(1, 40),
    fc.constantFrom('0', '0'.repeat(16), '0'.repeat(32), `abc${'0'.repeat(29)}`),
  ),
);
const level = almost(
  fc.constantFrom(
    '0',
    '1',
    '1,correlationType=web;correlationId=abc',
    ' 1 , correlationType = mobile ; correlationId = x',
    '2',
  ),
);
const traceparent = almost(
  fc
    .tuple(
      fc.constantFrom('00', '01', 'cc', 'ff'),
      digits(32, 32),
      digits(16, 16),
      fc.constantFrom('00', '01', '02', '03', 'ff'),
      fc.constantFrom('', '', '', '-more'),
    )
    .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`),
);
const part = (characters: string, from: number, to: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: from, maxLength: to });
const member = fc.oneof(
  fc.tuple(part('abc01_-*/@', 1, 20), part('abc 01:;!~', 1, 260)).map(([key, value]) => `${key}=${value}`),
  fc.tuple(digits(1, 34), digits(1, 20)).map(([trace, span]) => `in=${trace};${span}`),
  fc.tuple(fc.constantFrom('in', 'IN', 'a', 'b'), anyText).map(([key, value]) => `${key}=${value}`),
);
const separator = fc.constantFrom(',', ' , ', ',,', '\t,');
const listOf = (one: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc.tuple(fc.array(almost(one), { maxLength: most }), separator).map(([all, between]) => all.join(between));
const tracestate = listOf(member, 45);
const baggage = listOf(
  fc
    .tuple(part('abc!#$', 1, 8), part('abc%20/=', 0, 40), fc.constantFrom('', ';p', ' ; q = 2 ', ';'))
    .map(([key, value, properties]) => `${key}=${value}${properties}`),
  80,
);

const named = (names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<[string, string]> =>
  fc.tuple(fc.constantFrom(...names), value);
const header: fc.Arbitrary<[string, string]> = fc.oneof(
  named(['X-INSTANA-T', 'x-instana-t', 'X-INSTANA-S', 'x-instana-s'], id),
  named(['X-INSTANA-L', 'x-instana-l'], level),
  named(['traceparent', 'Traceparent'], traceparent),
  named(['tracestate', 'TraceState'], tracestate),
  named(['baggage', 'Baggage'], baggage),
  named(['X-INSTANA-SYNTHETIC', 'Host', 'Referer', 'Connection'], anyText),
  fc.tuple(anyText, anyText),
);
/** As Node.js has them: names and values in turn; now and then one is missing at the end. */
const rawHeaders: fc.Arbitrary<string[]> = fc
  .tuple(fc.array(header, { maxLength: 12 }), fc.constantFrom(0, 0, 0, 0, 1))
  .map(([pairs, cut]) => pairs.flat().slice(0, pairs.length * 2 - cut));

const shortId = /^(?!0{16})[0-9a-f]{16}$/;
const memberKey = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const memberValue = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

function assertTracestate(text: string): void {
  const members = text.split(',');
  assert.ok(members.length <= 32 && text.length <= 4096 + 40, text);
  const keys = members.map((one) => one.slice(0, one.indexOf('=')));
  assert.equal(new Set(keys).size, keys.length, text);
  for (const one of members) {
    assert.match(one.slice(0, one.indexOf('=')), memberKey);
    assert.match(one.slice(one.indexOf('=') + 1), memberValue);
  }
}

function assertBaggage(text: string): void {
  assert.ok(text.length <= 8192 && Buffer.byteLength(text) === text.length);
  assert.ok(text.split(',').length <= 64);
  assert.match(text, /^[\t\x20-\x7e]+$/);
  for (const one of text.split(',')) assert.match(one, /^[ \t]*[\w!#$%&'*+\-.^`|~]+[ \t]*=/);
}

/** What may go out, whatever came in: each header once, in a form that Node.js and neighbours take. */
function assertFit(sent: readonly string[]): void {
  const headers = new Map<string, string>();
  for (let index = 0; index < sent.length; index += 2) headers.set(sent[index] ?? '', sent[index + 1] ?? '');
  assert.equal(headers.size * 2, sent.length);
  for (const [name, value] of headers) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  const isSuppressed = headers.get('X-INSTANA-L') === '0';
  assert.match(headers.get('X-INSTANA-L') ?? '', /^[01]$/);
  for (const name of ['X-INSTANA-T', 'X-INSTANA-S'])
    if (isSuppressed) assert.equal(headers.has(name), false);
    else assert.match(headers.get(name) ?? '', shortId);
  const [version, trace, span, flags, ...more] = (headers.get('traceparent') ?? '').split('-');
  assert.deepEqual([version, more], ['00', []]);
  assert.match(trace ?? '', /^(?!0{32})[0-9a-f]{32}$/);
  assert.match(span ?? '', shortId);
  assert.match(flags ?? '', isSuppressed ? /^0[02]$/ : /^0[13]$/);
  const state = headers.get('tracestate');
  if (!isSuppressed) {
    assert.equal(span, headers.get('X-INSTANA-S'));
    assert.ok(state?.startsWith(`in=${headers.get('X-INSTANA-T')};${span}`));
  }
  if (state !== undefined) assertTracestate(state);
  const carried = headers.get('baggage');
  if (carried !== undefined) assertBaggage(carried);
  const own = sent.filter((_, index) => sent[index - (index % 2)] !== 'baggage').join('\r\n');
  assert.ok(own.length <= 4096 + 512, `${own.length} bytes besides baggage`);
}

function assertSpan(span: WireSpan & { readonly lt?: string }): void {
  assert.match(span.t, shortId);
  assert.match(span.s, shortId);
  if (span.p !== undefined) assert.match(span.p, shortId);
  if (span.lt !== undefined) assert.ok(/^[0-9a-f]{32}$/.test(span.lt) && span.lt.endsWith(span.t));
  if (span.crid !== undefined) assert.match(span.crid, /^[\w-]{1,64}$/);
  if (span.crtp !== undefined) assert.match(span.crtp, /^(web|mobile)$/);
  assert.equal(span.crtp === undefined, span.crid === undefined);
  if (span.tp !== undefined) assert.ok(span.p !== undefined && span.lt !== undefined);
  if (span.ia === undefined) return;
  assert.equal(span.tp, true);
  assert.match(span.ia.t, /^(?!0+$)([0-9a-f]{16}|[0-9a-f]{32})$/);
  assert.match(span.ia.p, shortId);
}

/** One request with these headers, and one call made for it. */
function serve(box: ToolBox, raw: string[]): void {
  const { entrySpans, exitSpans, activeSpan } = box.tools;
  const req = new IncomingMessage(new Socket());
  req.rawHeaders = raw;
  const res = new ServerResponse(req);
  const active = entrySpans.begin(req, res);
  assert.ok(active !== null);
  const call = (): readonly string[] => {
    const parent = exitSpans.parent();
    if (parent === null) return exitSpans.headersWithoutSpan() ?? [];
    const span = exitSpans.begin(parent, 'GET', 'http://a', '/', call);
    exitSpans.end(span, true);
    return exitSpans.headers(span) ?? [];
  };
  assertFit(activeSpan.apply(active, call, undefined, []));
  entrySpans.end(res, false);
  for (const span of box.spans()) assertSpan(span);
}

/** Declares the tests, each with so many cases. */
export function describeHeaders(numRuns: number): void {
  const check = <Values>(arbitrary: fc.Arbitrary<Values>, property: (value: Values) => void): void =>
    fc.assert(fc.property(arbitrary, property), { numRuns });

  it('whatever headers come in, spans and outgoing headers are well-formed', () => {
    const boxes = [true, false].map((read) => new ToolBox({ tracing: { w3c: { read } } }));
    check(rawHeaders, (raw) => {
      for (const box of boxes) serve(box, raw);
    });
    for (const box of boxes) assert.deepEqual(box.faults.counts(), {});
  });

  it('a reader that is used again tells what a new one tells', () => {
    const used = new TraceHeaderReader();
    check(fc.tuple(rawHeaders, rawHeaders), ([first, second]) => {
      used.read(first);
      used.read(second);
      const fresh = new TraceHeaderReader();
      fresh.read(second);
      assert.deepEqual({ ...used }, { ...fresh });
    });
  });

  it('a traceparent is read as it is written in the specification, and no other', () => {
    check(traceparent, (text) => {
      const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\s\S]*)?$/.exec(
        text.replace(/^[ \t]+|[ \t]+$/g, ''),
      );
      const [, version, trace = '', span = '', flags = '', more] = match ?? [];
      const isValid =
        match !== null &&
        version !== 'ff' &&
        !(version === '00' && more !== undefined) &&
        /[^0]/.test(trace) &&
        /[^0]/.test(span);
      const read = readTraceparent(text);
      if (!isValid) return assert.equal(read, null);
      assert.deepEqual(
        [read?.traceId, read?.parentId, read?.isSampled],
        [trace, span, Number.parseInt(flags, 16) % 2 === 1],
      );
    });
  });

  it('a tracestate is kept in its order or not at all, and reading it again changes nothing', () => {
    check(fc.tuple(tracestate, fc.constantFrom(1, 2)), ([text, lines]) => {
      const context = new W3cContext('1'.repeat(32), '1'.repeat(16), 1);
      readTracestate(context, text, lines);
      const given = text.split(',').map((one) => one.replace(/^[ \t]+|[ \t]+$/g, ''));
      for (const list of [context.tracestate, context.otherMembers]) {
        if (list === '') continue;
        assertTracestate(list);
        let place = -1;
        for (const one of list.split(',')) {
          place = given.indexOf(one, place + 1);
          assert.notEqual(place, -1, one);
        }
        const again = new W3cContext('1'.repeat(32), '1'.repeat(16), 1);
        readTracestate(again, list, lines);
        assert.equal(again.tracestate, list);
      }
      assert.ok(!context.otherMembers.split(',').some((one) => /^in=/i.test(one)));
    });
  });

  it('baggage that has nothing wrong is kept to the letter, and reading it again changes nothing', () => {
    check(baggage, (text) => {
      const kept = readBaggage(text);
      assert.equal(readBaggage(kept), kept);
      if (kept === '') return;
      assertBaggage(kept);
      const given = new Set(text.split(',').map((one) => one.trim()));
      for (const one of kept.split(',')) assert.ok(given.has(one.trim()), one);
    });
    const wellFormed = fc.array(
      fc
        .tuple(part('abc!', 1, 8), part('abc%', 0, 40), fc.constantFrom('', ';p', ' ; q = 2'))
        .map(([key, value, more]) => `${key}=${value}${more}`),
      { minLength: 1, maxLength: 64 },
    );
    check(fc.tuple(wellFormed, fc.constantFrom(',', ' , ', '\t,')), ([members, between]) => {
      const text = members.join(between);
      assert.equal(readBaggage(text), text);
    });
  });

  it('carriers of every kind are read without a fault, and what is read can be written and read again', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'x-instana-t',
        'X-INSTANA-S',
        'x-instana-l',
        'HTTP_X_INSTANA_T',
        'HTTP_X_INSTANA_S',
        'HTTP_X_INSTANA_L',
      ),
      anyText.map((key) => `x-instana-b-${key}`),
      anyText.map((key) => `X-INSTANA-BAGGAGE-${key}`),
      anyText,
    );
    const value = fc.oneof(id, level, anyText, fc.array(id, { maxLength: 2 }), fc.anything());
    const carrier = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((entries) => {
      const target: Record<string, unknown> = Object.create(null);
      for (const [key, held] of entries) target[key] = held;
      return target;
    });
    check(fc.tuple(fc.oneof(carrier, fc.anything()), fc.boolean()), ([given, forHttp]) => {
      const context = extractTextMap(given, forHttp);
      if (context === null) return;
      if (context.traceId !== '') assert.match(context.traceId, shortId);
      const written: Record<string, string> = {};
      injectTextMap(context, written, forHttp);
      if (forHttp) {
        const message = new OutgoingMessage();
        for (const [key, text] of Object.entries(written)) message.setHeader(key, text);
      }
      assert.equal(Reflect.get({}, 'polluted'), undefined);
      if (context.suppressed) return assert.deepEqual(written, { 'x-instana-l': '0' });
      const again = extractTextMap(written, forHttp);
      assert.deepEqual([again?.traceId, again?.spanId], [context.traceId, context.spanId]);
    });
    check(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.anything(), { maxLength: 40 })), (buffer) => {
      const context = extractBinary({ buffer });
      if (context !== null && context.traceId !== '') assert.match(context.traceId, shortId);
    });
  });
}
