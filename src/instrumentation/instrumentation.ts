// The record of one instrumentation, and the tools that it is given.
import type { Preset } from '../config/activation.js';
import type { InstrumentationGroup } from '../config/options.js';
import type { InternalErrors } from '../core/internal-errors.js';
import type { Log } from '../core/log.js';
import type { InstanaTracer } from '../opentracing/tracer.js';
import type { ActiveSpan } from '../spans/active-span.js';
import type { HttpEntrySpans } from './http/entry-spans.js';
import type { HttpExitSpans } from './http/exit-spans.js';
import type { ListeningServers } from './http/listening-servers.js';
import type { Undo } from './wrap-method.js';

/** Whether an instrumentation is to begin anything new; what is under way is ended in any case. May change at any time. */
export interface InstrumentationState {
  readonly isDisabled: boolean;
}

export interface InstrumentationContext {
  readonly entrySpans: HttpEntrySpans;
  readonly exitSpans: HttpExitSpans;
  readonly activeSpan: ActiveSpan;
  readonly servers: ListeningServers;
  readonly errors: InternalErrors;
  readonly log: Log;
  /** The switch of the instrumentation that gets these tools. */
  readonly state: InstrumentationState;
  /** The process' OpenTracing tracer, made with the first call. */
  readonly tracer: () => InstanaTracer;
}

/** What `patch` did: how to take it back, and what callers of `require` get in place of the module, if not the module itself. */
export interface Patched {
  readonly undo: readonly (Undo | null)[];
  readonly exports?: unknown;
}

/** Where a package's file was loaded from. */
export interface LoadedModule {
  /** Folder of the package; undefined for a module of Node.js. */
  readonly folder: string | undefined;
}

/** One module that is watched for, and what is done with it when it is loaded. A value, without state or side effects. */
export interface Instrumentation {
  /** As `status()` shows it; several records may share a name. */
  readonly name: string;
  readonly presets: readonly Preset[];
  /** The group by which `tracing.disable` may name it, too. */
  readonly group?: InstrumentationGroup;
  /** Module name, or a file inside a package (`koa/lib/context`). */
  readonly module: string;
  /** Majors that are tested; absent for modules of Node.js. Others are left alone. */
  readonly versions?: readonly number[];
  /** The package's main file, when it can be patched after it was loaded too. */
  readonly mainFile?: string;
  /** Called once per loaded copy. Must find out what is there rather than assume it. */
  patch(exports: unknown, tools: InstrumentationContext, module: LoadedModule): Patched;
}

/** A library that publishes what it does on diagnostics channels: subscribers by channel name. */
export interface ChannelInstrumentation {
  readonly name: string;
  readonly presets: readonly Preset[];
  readonly group?: InstrumentationGroup;
  channels(tools: InstrumentationContext): Readonly<Record<string, (message: unknown) => void>>;
}
