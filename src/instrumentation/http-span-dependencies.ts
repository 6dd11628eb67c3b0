// What the entry and exit spans of HTTP are made with.
import type { Config } from '../config/options.js';
import type { IdPool } from '../propagation/ids.js';
import type { Recorder } from '../tracing/recorder.js';
import type { Scope } from '../tracing/scope.js';
import type { CallStacks } from '../tracing/stack.js';

export interface HttpSpanDependencies {
  readonly recorder: Recorder;
  readonly scope: Scope;
  readonly ids: IdPool;
  readonly stacks: CallStacks;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly config: () => Config;
}
