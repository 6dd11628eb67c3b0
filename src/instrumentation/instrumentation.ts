// The record of one instrumentation, and the context that it works in.

import type { InstrumentationGroup } from '../config/options.js';
import type { Preset } from '../config/presets.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import type { InstanaTracer } from '../opentracing/tracer.js';
import type { ActiveSpan } from '../spans/active-span.js';
import type { HttpEntrySpans } from './http/entry-spans.js';
import type { HttpExitSpans } from './http/exit-spans.js';
import type { ListeningServers } from './http/listening-servers.js';
import type { Undo } from './wrap-method.js';

/** Whether an instrumentation may start new spans. May change at any time. Open spans are ended in any case. */
export interface InstrumentationState {
  readonly isDisabled: boolean;
}

/** The parts of the sensor that an instrumentation uses. */
export interface InstrumentationContext {
  readonly entrySpans: HttpEntrySpans;
  readonly exitSpans: HttpExitSpans;
  readonly activeSpan: ActiveSpan;
  readonly servers: ListeningServers;
  readonly errors: InternalErrors;
  readonly log: Log;
  /** The state of the instrumentation that gets this context. */
  readonly state: InstrumentationState;
  /** The OpenTracing tracer of the process, made with the first call. */
  readonly tracer: () => InstanaTracer;
}

/** The result of `patch`: how to undo it, and what `require` returns in place of the module, if anything else. */
export interface Patched {
  readonly undo: readonly (Undo | null)[];
  readonly exports?: unknown;
}

/** The place that a module was loaded from. */
export interface LoadedModule {
  /** The folder of the package; undefined for a module of Node.js. */
  readonly folder: string | undefined;
}

/** One module, and how it is patched when it is loaded. A value without state or side effects. */
export interface Instrumentation {
  /** The name in `status()`. Several records may share one. */
  readonly name: string;
  readonly presets: readonly Preset[];
  /** The group that `tracing.disable` accepts as well. */
  readonly group?: InstrumentationGroup;
  /** Module name, or a file inside a package (`koa/lib/context`). */
  readonly module: string;
  /** The tested majors; other ones are not patched. Absent for modules of Node.js. */
  readonly versions?: readonly number[];
  /** The main file of a package that can be patched even after it was loaded. */
  readonly mainFile?: string;
  /** Called once per loaded copy. Has to check the exports, and may not assume anything about them. */
  patch(exports: unknown, context: InstrumentationContext, module: LoadedModule): Patched;
}

/** A library that publishes its events on diagnostics channels: subscribers by channel name. */
export interface ChannelInstrumentation {
  readonly name: string;
  readonly presets: readonly Preset[];
  readonly group?: InstrumentationGroup;
  /** `onUndo` is called with the undo of each function that a subscriber replaces. */
  channels(
    context: InstrumentationContext,
    onUndo: (undo: Undo) => void,
  ): Readonly<Record<string, (message: unknown) => void>>;
}
