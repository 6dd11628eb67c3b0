// HTTP and HTTPS servers: one entry span per request, however the server was made.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { httpPresets } from '../../config/activation.js';
import type { Suppressed } from '../../spans/active-span.js';
import { SpanRecord } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { type HostFunction, sourceOf, wrapMethod } from '../wrap-method.js';
import { serverTiming } from './server-timing.js';
import { UpgradeResponse } from './upgrade.js';

/** Node.js' own emit, or what a host put there; called with the arguments that it was meant to get. */
type Emit = (this: unknown, ...args: never[]) => unknown;

function patchServer(exports: unknown, type: 'http' | 'https', tools: InstrumentationContext): Patched {
  const { Server } = exports as { Server?: { prototype?: object } };
  const undo = [];
  if (Server?.prototype !== undefined)
    undo.push(wrapMethod(Server.prototype, 'emit', (emit) => serverEmit(emit, type, tools)));
  const { ServerResponse } = exports as { ServerResponse?: { prototype?: object } };
  if (ServerResponse?.prototype !== undefined) {
    const { prototype } = ServerResponse;
    undo.push(wrapMethod(prototype, 'emit', (emit) => responseEmit(emit, tools)));
    const withTiming = serverTiming(tools);
    undo.push(wrapMethod(prototype, 'writeHead', withTiming));
    undo.push(wrapMethod(prototype, 'writeHeader', withTiming)); // its older name, gone since Node.js 26
  }
  const { IncomingMessage } = exports as { IncomingMessage?: { prototype?: object } };
  if (IncomingMessage?.prototype !== undefined) {
    undo.push(wrapMethod(IncomingMessage.prototype, 'emit', (emit) => requestEmit(emit, tools)));
  }
  return { undo };
}

function serverEmit(original: Emit, type: 'http' | 'https', tools: InstrumentationContext): HostFunction {
  const { entrySpans, activeSpan, servers, errors, state } = tools;
  const breaker = errors.breaker(`${type} server`);
  function note(server: Server, event: unknown): void {
    try {
      if (event === 'listening') servers.listening(server, type, server.address());
      else if (event === 'close') servers.closed(server);
    } catch (error) {
      breaker.record(error);
    }
  }
  /** A request that is handed to the application together with its connection gets no response object. */
  function upgrade(self: Server, args: IArguments): unknown {
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      const [, request, connection] = args as unknown as [unknown, IncomingMessage?, Duplex?];
      const isWanted = !breaker.isOpen && !state.isDisabled && self.listenerCount('upgrade') > 0;
      if (isWanted && request !== undefined && connection !== undefined) {
        span = entrySpans.begin(request, connection as unknown as ServerResponse); // stands in for it, to be compared only
        if (span instanceof SpanRecord) new UpgradeResponse(tools, span, connection);
      }
    } catch (error) {
      breaker.record(error);
    }
    return span === null ? Reflect.apply(original, self, args) : activeSpan.apply(span, original, self, args);
  }
  function emit(this: Server, event?: unknown, request?: IncomingMessage, response?: ServerResponse): unknown {
    // An application that listens for the other two gets no `request`, unless it emits that itself; a request has one span.
    if (event !== 'request' && event !== 'checkContinue' && event !== 'checkExpectation') {
      if (event === 'upgrade') return upgrade(this, arguments);
      if (event === 'listening' || event === 'close') note(this, event);
      return Reflect.apply(original, this, arguments);
    }
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      if (!breaker.isOpen && !state.isDisabled && request !== undefined && response !== undefined)
        span = entrySpans.begin(request, response);
    } catch (error) {
      breaker.record(error);
    }
    if (span === null) return Reflect.apply(original, this, arguments);
    let threw = true;
    const outer = activeSpan.enter(span);
    try {
      const result = Reflect.apply(original, this, arguments);
      threw = false;
      return result;
    } finally {
      activeSpan.exit(outer);
      // Not catch: to throw again would change the place that Node.js reports.
      if (threw && span instanceof SpanRecord) entrySpans.threw(span);
    }
  }
  return emit as HostFunction;
}

/**
 * Listens to the end of responses without a listener: `finish` when the last byte was handed over, `close` when the connection
 * was lost before that. A listener per response would cost a closure and could be seen (`listenerCount`).
 */
function responseEmit(original: Emit, { entrySpans, activeSpan, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('end of a response');
  function emit(this: ServerResponse, event?: unknown): unknown {
    let span: SpanRecord | Suppressed | null = null;
    try {
      if (event === 'finish' || event === 'close') {
        const active = entrySpans.activeOf(this);
        entrySpans.end(this, event === 'close', active);
        // Node.js' own listener for `finish` is indifferent to the context; most responses have no other.
        if (active === null && !breaker.isOpen && this.listenerCount(event) > (event === 'finish' ? 1 : 0))
          span = entrySpans.inactiveSpanOf(this);
      } else if (event !== 'prefinish' && event !== 'socket' && !breaker.isOpen) {
        // Those two Node.js emits to itself.
        if (entrySpans.activeOf(this) === null && isHeard(this, event)) span = entrySpans.inactiveSpanOf(this);
      }
    } catch (error) {
      breaker.record(error);
    }
    if (span === null) return Reflect.apply(original, this, arguments);
    return activeSpan.apply(span, original, this, arguments);
  }
  return emit as HostFunction;
}

/** Whether anybody listens: else an event needs no context. */
function isHeard(emitter: EventEmitter, event: unknown): boolean {
  return typeof event === 'string' && emitter.listenerCount(event) > 0;
}

/**
 * Node.js' own listener for the end of a request that was answered before that: indifferent to the context, and the only one in
 * most requests. It is not exported, so it is known by what it does, and by identity from then on.
 */
class OwnEndListener {
  #known: unknown;
  #rejected: unknown;

  isAlone(request: IncomingMessage): boolean {
    const { _events: events } = request as { _events?: { end?: unknown } }; // Node.js' own; without it every end is heard
    const listener = events?.end;
    if (typeof listener !== 'function') return false;
    if (listener === this.#known) return true;
    if (this.#known !== undefined || listener === this.#rejected || listener.name !== 'clearIncoming') return false;
    const isOwn = /parser\.incoming === req\b/.test(sourceOf(listener));
    if (isOwn) this.#known = listener;
    else this.#rejected = listener;
    return isOwn;
  }
}

/**
 * The body of a request arrives in the asynchronous context of its connection, where no span is active: listeners for `data` and
 * `end` are called in that of the request.
 */
function requestEmit(original: Emit, { entrySpans, activeSpan, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('events of a request');
  const ownEndListener = new OwnEndListener();
  function emit(this: IncomingMessage, event?: unknown): unknown {
    let span: SpanRecord | Suppressed | null = null;
    try {
      // These two Node.js emits in the context of the call that caused them.
      if (event !== 'resume' && event !== 'pause' && !breaker.isOpen && entrySpans.activeOf(this) === null) {
        const isWanted = isHeard(this, event) && !(event === 'end' && ownEndListener.isAlone(this));
        if (isWanted) span = entrySpans.inactiveSpanOf(this);
      }
    } catch (error) {
      breaker.record(error);
    }
    if (span === null) return Reflect.apply(original, this, arguments);
    return activeSpan.apply(span, original, this, arguments);
  }
  return emit as HostFunction;
}

export const httpServer: Instrumentation = {
  name: 'http',
  presets: httpPresets,
  module: 'http',
  patch: (exports, tools) => patchServer(exports, 'http', tools),
};

export const httpsServer: Instrumentation = {
  name: 'https',
  presets: httpPresets,
  module: 'https',
  patch: (exports, tools) => patchServer(exports, 'https', tools),
};
