// The tools that instrumentations are given, real ones, with what came out of them at hand.
import assert from 'node:assert/strict';
import type { Config } from '../../../src/config/options.js';
import { readConfig } from '../../../src/config/read-config.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { HttpEntrySpans } from '../../../src/instrumentation/http/entry-spans.js';
import { HttpExitSpans } from '../../../src/instrumentation/http/exit-spans.js';
import { ListeningServers } from '../../../src/instrumentation/http/listening-servers.js';
import type { InstrumentationContext } from '../../../src/instrumentation/instrumentation.js';
import { InstanaTracer } from '../../../src/opentracing/tracer.js';
import { IdPool } from '../../../src/propagation/ids.js';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { Redactor } from '../../../src/redaction/redactor.js';
import { ActiveSpan } from '../../../src/spans/active-span.js';
import { CallStacks } from '../../../src/spans/call-stack.js';
import { makeEncodeContext } from '../../../src/spans/instana-json.js';
import { Recorder } from '../../../src/spans/recorder.js';

/** The configuration of an application that passes `code` to `configure()`. */
export function configOf(code: object = {}): Config {
  return readConfig({}, code, undefined, () => {});
}

export class ToolBox {
  readonly lines: string[] = [];
  /** How far the monotonic clock is ahead of the real one. */
  aheadMs = 0;
  /** How often modules that were loaded late were patched. */
  patches = 0;
  readonly faults: InternalErrors;
  readonly recorder: Recorder;
  readonly scope: ActiveSpan = new ActiveSpan();
  readonly tools: InstrumentationContext;
  readonly now = (): number => performance.now() + this.aheadMs;

  /** `code` is what an application would hand to `configure()`. */
  constructor(code: object = {}) {
    const write = (line: string): void => {
      this.lines.push(line);
    };
    const log = new Log('info', { debug: write, info: write, warn: write, error: write });
    const config = readConfig({}, code, undefined, write);
    this.faults = new InternalErrors(log);
    const encodeContext = makeEncodeContext(new Redactor(config.secrets), null, 10);
    this.recorder = new Recorder({
      errors: this.faults,
      now: this.now,
      encodeContext: () => encodeContext,
      onThreshold: () => {},
    });
    const dependencies = {
      recorder: this.recorder,
      activeSpan: this.scope,
      ids: new IdPool(),
      stacks: new CallStacks(),
      now: this.now,
      wallClock: () => Date.now(),
      config: () => config,
      patchLoadedBuiltins: () => {
        this.patches++;
      },
    };
    this.tools = {
      entrySpans: new HttpEntrySpans(dependencies),
      exitSpans: new HttpExitSpans(dependencies),
      activeSpan: this.scope,
      servers: new ListeningServers(),
      errors: this.faults,
      log,
      state: { isDisabled: false },
      tracer: () => new InstanaTracer(() => assert.fail('not used')),
    };
  }

  /** All spans that are finished and were not taken yet. */
  spans(): WireSpan[] {
    const batch = this.recorder.take('1', 'agent');
    this.recorder.acknowledge();
    // The recorder's own JSON, looked at member by member by the tests.
    return batch === null ? [] : (JSON.parse(String(batch.body)) as WireSpan[]);
  }
}
