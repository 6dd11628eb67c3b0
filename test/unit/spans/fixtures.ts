// What unit tests of tracing share: the real objects, with a clock that the test moves and an agent that the test plays.
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { InstanaTracer, type TracerDependencies } from '../../../src/opentracing/tracer.js';
import { IdPool } from '../../../src/propagation/ids.js';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import { ActiveSpan } from '../../../src/spans/active-span.js';
import { CallStacks } from '../../../src/spans/call-stack.js';
import { type EncodeContext, makeEncodeContext } from '../../../src/spans/instana-json.js';
import { Recorder } from '../../../src/spans/recorder.js';
import { HttpAttributes, SpanRecord } from '../../../src/spans/span.js';

export class Fixture {
  tick = 1000;
  /** How far the monotonic clock moves with each look of the recorder's. */
  tickStep = 0;
  wall = 1_700_000_000_000;
  thresholds = 0;
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  readonly notes: string[] = [];
  readonly log: Log;
  readonly faults: InternalErrors;
  readonly recorder: Recorder;
  readonly scope: ActiveSpan = new ActiveSpan();
  readonly ids: IdPool = new IdPool();
  readonly tracer: InstanaTracer;
  settings: { enabled: boolean; stackTrace: string; stackTraceLength: number } = {
    enabled: true,
    stackTrace: 'all',
    stackTraceLength: 10,
  };
  encodeContext: EncodeContext = makeEncodeContext(
    new Redactor({ matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] }),
    null,
    10,
  );

  constructor() {
    const write = (line: string): void => {
      this.lines.push(line);
    };
    this.log = new Log('debug', { debug: write, info: write, warn: write, error: write });
    this.faults = new InternalErrors(this.log);
    this.recorder = new Recorder({
      errors: this.faults,
      now: () => {
        this.tick += this.tickStep;
        return this.tick;
      },
      encodeContext: () => this.encodeContext,
      onThreshold: () => {
        this.thresholds++;
      },
    });
    const dependencies: TracerDependencies = {
      activeSpan: this.scope,
      recorder: this.recorder,
      ids: this.ids,
      stacks: new CallStacks(),
      now: () => this.tick,
      wallClock: () => this.wall,
      settings: () => this.settings,
      patchLoadedBuiltins: () => {},
      warnOnce: (_cause, message) => this.warnings.push(message),
      debugOnce: (_cause, message) => this.notes.push(message),
    };
    this.tracer = new InstanaTracer(() => dependencies);
  }

  /** A span of a request, opened. */
  entry(url = '/', traceId: string = this.ids.next()): SpanRecord {
    const facts = new HttpAttributes('GET', url, 'localhost');
    const span = new SpanRecord(
      'node.http.server',
      1,
      traceId,
      this.ids.next(),
      null,
      null,
      this.wall,
      this.tick,
      facts,
    );
    this.recorder.open(span);
    return span;
  }

  finished(url?: string): SpanRecord {
    const span = this.entry(url);
    this.recorder.finish(span);
    return span;
  }

  /** Takes one batch as an agent would read it; it stays in flight. */
  take(): WireSpan[] {
    const batch = this.recorder.take('4711', 'uuid');
    // The recorder's own JSON, which the tests then look at member by member.
    return batch === null ? [] : (JSON.parse(String(batch.body)) as WireSpan[]);
  }

  /** Everything that waits, delivered. */
  drain(): WireSpan[] {
    const spans: WireSpan[] = [];
    for (let batch = this.take(); batch.length > 0; batch = this.take()) {
      spans.push(...batch);
      this.recorder.acknowledge();
    }
    return spans;
  }

  /** The one span that waits. */
  only(): WireSpan {
    const spans = this.drain();
    const [span] = spans;
    if (span === undefined || spans.length !== 1) throw new Error(`${spans.length} spans instead of one`);
    return span;
  }
}
