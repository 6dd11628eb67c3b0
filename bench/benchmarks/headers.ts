// The cost of trace headers: reading those of a request, and writing those of one call out.
import { randomBytes } from 'node:crypto';
import { readConfig } from '../../src/config/read-config.js';
import { InternalErrors } from '../../src/core/internal-errors.js';
import { Log } from '../../src/core/log.js';
import { HttpExitSpans } from '../../src/instrumentation/http/exit-spans.js';
import { IdPool } from '../../src/propagation/ids.js';
import { TraceHeaderReader } from '../../src/propagation/trace-headers.js';
import { Redactor } from '../../src/redaction/redactor.js';
import { ActiveSpan } from '../../src/spans/active-span.js';
import { CallStacks } from '../../src/spans/call-stack.js';
import { makeEncodeContext } from '../../src/spans/instana-json.js';
import { Recorder } from '../../src/spans/recorder.js';
import { SpanRecord } from '../../src/spans/span.js';
import type { Benchmark, Report } from '../benchmark.js';
import type { Options } from '../options.js';
import { type Quartiles, quartiles, quartilesCells, quartilesHead, table } from '../statistics.js';

export interface HeadersCase {
  readonly name: string;
  readonly nanoseconds: Quartiles;
}

export interface HeadersResult {
  readonly blocks: number;
  readonly requests: number;
  readonly unit: 'ns per request';
  readonly cases: readonly HeadersCase[];
}

const digits = (bytes: number): string => randomBytes(bytes).toString('hex');

/** The other headers of a browser's request. */
const others: readonly string[] = [
  ...['Host', 'shop.example:8080', 'User-Agent', 'Mozilla/5.0', 'Accept', '*/*', 'Accept-Language', 'en'],
  ...['Accept-Encoding', 'gzip, deflate', 'Referer', 'http://shop.example/', 'Connection', 'keep-alive'],
];
const instana = (): string[] => ['X-INSTANA-T', digits(8), 'X-INSTANA-S', digits(8), 'X-INSTANA-L', '1'];
const members = (count: number): string =>
  Array.from({ length: count }, (_, index) => `vendor${index}=${digits(4)}`).join();
const w3c = (count: number): string[] => [
  'traceparent',
  `00-${digits(16)}-${digits(8)}-01`,
  'tracestate',
  `in=${digits(8)};${digits(8)},${members(count)}`,
];
const baggage = (count: number): string[] => [
  'baggage',
  Array.from({ length: count }, (_, index) => `key${index}=${digits(8)};p`).join(),
];

const cases: Readonly<Record<string, () => string[]>> = {
  'no trace headers': () => [],
  'X-INSTANA': instana,
  'W3C, 3 members': () => w3c(3),
  'all, 3 members, 3 items of baggage': () => [...instana(), ...w3c(3), ...baggage(3)],
  'all, 31 members, 64 items of baggage': () => [...instana(), ...w3c(31), ...baggage(64)],
};
/** The case that has a budget. */
const judged = 'all, 3 members, 3 items of baggage';
/** The number of different requests, used in turn. */
const requestsInTurn = 64;
const warmUpBlocks = 5;

function makeExit(): HttpExitSpans {
  const config = readConfig({}, {}, undefined, () => {});
  const context = makeEncodeContext(new Redactor(config.secrets), null, 10);
  const clock = { now: () => performance.now(), wallClock: () => Date.now() };
  const errors = new InternalErrors(new Log('error'));
  const recorder = new Recorder({ errors, now: clock.now, encodeContext: () => context, onThreshold: () => {} });
  const [activeSpan, ids, stacks] = [new ActiveSpan(), new IdPool(), new CallStacks()];
  return new HttpExitSpans({
    recorder,
    activeSpan,
    ids,
    stacks,
    ...clock,
    config: () => config,
    patchLoadedBuiltins: () => {},
  });
}

/** Nanoseconds for each request, block by block. */
function measure(make: () => string[], blocks: number, requests: number): number[] {
  const exit = makeExit();
  const reader = new TraceHeaderReader();
  const raw = Array.from({ length: requestsInTurn }, () => [...others, ...make()]);
  const span = new SpanRecord('node.http.client', 2, digits(8), digits(8), digits(8), null, 0, 0, null);
  const series: number[] = [];
  let written = 0;
  for (let block = -warmUpBlocks; block < blocks; block++) {
    const startMs = performance.now();
    for (let request = 0; request < requests; request++) {
      reader.read(raw[request % requestsInTurn] ?? []);
      span.w3c = reader.w3c;
      written += exit.headers(span)?.length ?? 0;
    }
    if (block >= 0) series.push(((performance.now() - startMs) * 1e6) / requests);
  }
  if (written === 0) throw new Error('nothing was written');
  return series;
}

export function headers(options: Options): HeadersResult {
  const blocks = options.count('blocks', 40, 3);
  const requests = options.count('requests', 50_000, 500);
  const measured = Object.entries(cases).map(([name, make]) => ({
    name,
    nanoseconds: quartiles(measure(make, blocks, requests)),
  }));
  return { blocks, requests, unit: 'ns per request', cases: measured };
}

export const headersBenchmark: Benchmark = {
  name: 'headers',
  title: 'Trace headers',
  async run(options): Promise<Report> {
    const result = headers(options);
    const text =
      `Reading those of a request and writing those of one call, in a loop. Blocks: ${result.blocks} of ${result.requests} requests\n\n` +
      table(
        [result.unit, ...quartilesHead],
        result.cases.map(({ name, nanoseconds }) => [name, ...quartilesCells(nanoseconds)]),
      );
    const measured = result.cases
      .filter(({ name }) => name === judged)
      .map(({ nanoseconds }) => ({ budget: 'headers', value: nanoseconds.median / 1000, bare: null }));
    return { result, text, measured, voids: [] };
  },
};
