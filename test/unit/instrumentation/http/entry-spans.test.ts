import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { WireSpan } from '../../../../src/protocol/wire-span.js';
import { Suppressed, suppressed as suppressedMark } from '../../../../src/spans/active-span.js';
import { SpanRecord } from '../../../../src/spans/span.js';
import { ToolBox } from '../tool-box.js';

interface Row {
  note: string;
  headers: Record<string, string>;
  config?: { disableW3cCorrelation: boolean };
  suppressed: boolean;
  entrySpan: Record<string, unknown> | null;
  downstreamHeaders: Record<string, string>;
}

// Recorded from the official sensor.
const rows = JSON.parse(readFileSync(join(__dirname, '../../../../../test/vectors/headers.json'), 'utf8')) as Row[];

/**
 * Rows in which the official sensor is wrong. It lets ids of odd lengths and texts that are no ids through to the back end and to
 * neighbours: a long id is padded to 32 digits, of which the last 16 are the trace, a text that is no id counts as absent, and
 * `traceparent` has no id that was not padded. It misses correlation data with blanks around the level or the equals signs, where a
 * proxy may have put them. It sends 33 members in `tracestate`, where 32 are allowed.
 */
const corrected: Readonly<
  Record<string, { entry?: Record<string, unknown>; trace?: string; traceparent?: string; dropped?: string }>
> = {
  'short ids': { traceparent: '00-00000000000000000000000000000abc-aaaaaaaaaaaaaaaa-03' },
  'trace id of 20 characters is neither padded nor cut': {
    entry: { t: '456789abcdef0123', p: '5e734f51bce69eca', lt: '0000000000000123456789abcdef0123' },
    trace: '456789abcdef0123',
    traceparent: '00-0000000000000123456789abcdef0123-aaaaaaaaaaaaaaaa-03',
  },
  'correlation with blanks': { entry: { t: '<random16>', crtp: 'web', crid: '1234567890abcdef' } },
  'trace id that is not hexadecimal is passed through': {
    entry: { t: '<random16>' },
    trace: '<random16>',
    traceparent: '00-0000000000000000<random16>-aaaaaaaaaaaaaaaa-03',
  },
  'traceparent, 40 members without in (first 32 kept, in is put in front)': { dropped: ',v31=x31' },
};

function boxFor({ config }: Row): ToolBox {
  return new ToolBox({ tracing: { w3c: { read: config?.disableW3cCorrelation !== true } } });
}

function request(headers: Readonly<Record<string, string>>): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  req.method = 'GET';
  req.url = '/';
  req.rawHeaders = Object.entries(headers).flat();
  return { req, res: new ServerResponse(req) };
}

describe('an entry span continues what the official sensor would:', () => {
  for (const row of rows) {
    const { note, headers, suppressed, entrySpan } = row;
    it(note, () => {
      const box = boxFor(row);
      const { req, res } = request(headers);
      const span = box.tools.entrySpans.begin(req, res);
      assert.equal(span instanceof Suppressed, suppressed);
      box.tools.entrySpans.end(res, false);
      const [sent] = box.spans() as (WireSpan & Record<string, unknown>)[];
      const expected = corrected[note]?.entry ?? entrySpan;
      if (expected === null) return assert.equal(sent, undefined);
      assert.ok(sent);
      for (const member of ['t', 'p', 'lt', 'crtp', 'crid', 'sy', 'tp', 'ia'] as const) {
        if (expected[member] === '<random16>') assert.match(String(sent[member]), /^[0-9a-f]{16}$/);
        else assert.deepEqual(sent[member], expected[member], member);
      }
    });
  }
});

/** What a call sends that is made while this request is served. */
function sentDownstream(box: ToolBox, headers: Readonly<Record<string, string>>): Map<string, string> {
  const { exitSpans, entrySpans, activeSpan } = box.tools;
  const { req, res } = request(headers);
  const active = entrySpans.begin(req, res);
  assert.ok(active !== null);
  const read = (): readonly string[] => {
    const above = exitSpans.parent();
    const list =
      above === null
        ? exitSpans.headersWithoutSpan()
        : exitSpans.headers(exitSpans.begin(above, 'GET', 'http://a', '/', read));
    return list ?? [];
  };
  const sent = activeSpan.apply(active, read, undefined, []);
  assert.equal(new Set(sent.filter((_, index) => index % 2 === 0)).size * 2, sent.length);
  return new Map(sent.flatMap((name, index) => (index % 2 === 0 ? [[name, sent[index + 1] ?? '']] : [])));
}

/** A text of the recordings in which `<random16>` stands for 16 digits of any kind. */
function pattern(recorded: string): RegExp {
  const quoted = recorded.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${quoted.replaceAll('<random16>', '(?!0{16})[0-9a-f]{16}')}$`);
}

describe('an exit span tells its neighbour what the official sensor would:', () => {
  for (const row of rows) {
    const { note, headers, downstreamHeaders } = row;
    it(note, () => {
      const told = sentDownstream(boxFor(row), headers);
      assert.deepEqual([...told.keys()].sort(), Object.keys(downstreamHeaders).sort());
      const span = told.get('X-INSTANA-S') ?? '';
      const { trace, traceparent, dropped = '' } = corrected[note] ?? {};
      const expected = { ...downstreamHeaders };
      if (trace !== undefined) {
        expected['X-INSTANA-T'] = trace;
        expected['tracestate'] = `in=${trace};aaaaaaaaaaaaaaaa`;
      }
      if (traceparent !== undefined) expected['traceparent'] = traceparent;
      for (const [name, value] of Object.entries(expected)) {
        const wanted = value.replaceAll('aaaaaaaaaaaaaaaa', span).replace(dropped, '');
        assert.match(told.get(name) ?? '', pattern(wanted), name);
      }
      if (span === '') return;
      assert.equal(told.get('traceparent')?.slice(36, 52), span);
      assert.ok(told.get('tracestate')?.startsWith(`in=${told.get('X-INSTANA-T')};${span}`));
    });
  }
});

describe('an entry span', () => {
  it('is made once for a response', () => {
    const { tools } = new ToolBox();
    const { req, res } = request({});
    assert.notEqual(tools.entrySpans.begin(req, res), null);
    assert.equal(tools.entrySpans.begin(req, res), null);
  });

  it('takes the status only when a head was sent', () => {
    const box = new ToolBox();
    const { req, res } = request({ Host: 'a' });
    box.tools.entrySpans.begin(req, res);
    box.tools.entrySpans.end(res, true);
    const [span] = box.spans();
    assert.deepEqual(span?.data.http, { method: 'GET', url: '/', host: 'a', error: 'Request aborted' });
    assert.equal(span?.ec, 0);
  });

  it('captures the headers that are asked for, of the request and of the response, joined', () => {
    const box = new ToolBox({ tracing: { extraHttpHeaders: ['X-In', 'x-out', 'x-both'] } });
    const { req, res } = request({ 'x-in': '1', 'X-IN': '2', 'x-both': 'request', other: '3' });
    box.tools.entrySpans.begin(req, res);
    res.setHeader('X-Out', ['4', '5']);
    res.setHeader('x-both', 6);
    box.tools.entrySpans.end(res, false);
    assert.deepEqual(box.spans()[0]?.data.http?.header, { 'x-in': '1, 2', 'x-out': '4, 5', 'x-both': '6' });
  });

  it('keeps the first error that a framework tells, however odd the error is', () => {
    const box = new ToolBox();
    const { req, res } = request({});
    const span = box.tools.entrySpans.begin(req, res);
    assert.ok(span instanceof SpanRecord);
    box.tools.entrySpans.fail(span, null);
    box.tools.entrySpans.fail(span, new Error('second'));
    box.tools.entrySpans.end(res, false);
    assert.equal(box.spans()[0]?.data.http?.error, 'null');
  });

  it('that ended as unfinished is not sent again by the late end of its response', () => {
    const box = new ToolBox();
    const { req, res } = request({});
    const span = box.tools.entrySpans.begin(req, res);
    assert.ok(span instanceof SpanRecord);
    box.tools.entrySpans.expire(span, 300_000, false);
    box.tools.entrySpans.end(res, false);
    const spans = box.spans();
    assert.equal(spans.length, 1);
    assert.match(spans[0]?.data.http?.error ?? '', /Unfinished.*300 s/);
    assert.equal(spans[0]?.data.sdk?.custom?.tags?.['unfinished'], true);
  });
});

describe('a request whose caller wants no spans', () => {
  it('stays so in the events of its body, which arrives outside its asynchronous context', () => {
    const { entrySpans, activeSpan } = new ToolBox().tools;
    const { req, res } = request({ 'X-INSTANA-L': '0' });
    const mark = entrySpans.begin(req, res);
    assert.ok(mark instanceof Suppressed);
    assert.equal(entrySpans.inactiveSpanOf(req), mark);
    assert.equal(entrySpans.inactiveSpanOf(res), mark);
    activeSpan.apply(suppressedMark, () => assert.equal(entrySpans.inactiveSpanOf(req), null), undefined, []);
  });
});

describe('a request that is none of Node.js', () => {
  it('gets a span although it has no raw headers', () => {
    const box = new ToolBox({ tracing: { extraHttpHeaders: ['x-a'] } });
    const fake = { method: 'GET', url: '/fake' } as IncomingMessage; // as adapters of serverless platforms make it
    assert.notEqual(box.tools.entrySpans.begin(fake, {} as ServerResponse), null);
    assert.deepEqual(box.faults.counts(), {});
  });
});

describe('tracing that code turns off after the servers were patched', () => {
  it('makes no entry spans', () => {
    const { entrySpans } = new ToolBox({ tracing: { enabled: false } }).tools;
    const { req, res } = request({});
    assert.equal(entrySpans.begin(req, res), null);
  });
});

describe('the books of the recorder', () => {
  it('have each request once, and no request that has ended among the open ones', () => {
    const box = new ToolBox();
    const first = request({});
    const second = request({});
    box.tools.entrySpans.begin(first.req, first.res);
    box.tools.entrySpans.begin(first.req, first.res);
    box.tools.entrySpans.begin(second.req, second.res);
    box.tools.entrySpans.end(first.res, false);
    box.tools.entrySpans.end(first.res, true);
    const open: unknown[] = [];
    box.recorder.expire(Number.NEGATIVE_INFINITY, (span) => open.push(span));
    assert.equal(open.length, 1);
    const { opened, finished } = box.recorder.counters();
    assert.deepEqual({ opened, finished }, { opened: 2, finished: 1 });
  });
});

describe('the start of an entry span', () => {
  it('patches what was loaded without a hook noticing, before the handler runs', () => {
    const box = new ToolBox();
    const { req, res } = request({});
    const { req: quiet, res: quietResponse } = request({ 'x-instana-l': '0' });
    assert.ok(box.tools.entrySpans.begin(quiet, quietResponse) instanceof Suppressed);
    assert.equal(box.patches, 0);
    assert.ok(box.tools.entrySpans.begin(req, res) instanceof SpanRecord);
    assert.equal(box.patches, 1);
  });
});
