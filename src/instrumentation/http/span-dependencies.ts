// What the entry and exit spans of HTTP are made with.
import type { Config } from '../../config/options.js';
import type { IdPool } from '../../propagation/ids.js';
import type { ActiveSpan } from '../../spans/active-span.js';
import type { CallStacks } from '../../spans/call-stack.js';
import type { Recorder } from '../../spans/recorder.js';

export interface HttpSpanDependencies {
  readonly recorder: Recorder;
  readonly activeSpan: ActiveSpan;
  readonly ids: IdPool;
  readonly stacks: CallStacks;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly config: () => Config;
  /** Patches modules of Node.js that were loaded in a way that no hook sees. */
  readonly patchLoadedBuiltins: () => void;
}
