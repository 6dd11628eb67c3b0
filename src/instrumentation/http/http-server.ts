// HTTP and HTTPS servers: one entry span per request, for every server of the process.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { httpPresets } from '../../config/presets.js';
import type { ActiveState, Suppressed } from '../../spans/active-span.js';
import { SpanRecord } from '../../spans/span.js';
import type { Instrumentation, InstrumentationContext, Patched } from '../instrumentation.js';
import { type HostFunction, type Original, sourceOf, wrapInherited, wrapMethod } from '../wrap-method.js';
import { clientCalls, isOutsideCall } from './client-call.js';
import { serverTiming } from './server-timing.js';
import { UpgradeResponse } from './upgrade.js';

function patchServer(exports: unknown, type: 'http' | 'https', context: InstrumentationContext): Patched {
  const { Server } = exports as { Server?: { prototype?: object } };
  const undo = [];
  if (Server?.prototype !== undefined)
    undo.push(wrapInherited(Server.prototype, 'emit', (emit) => serverEmit(emit, type, context)));
  const { ServerResponse } = exports as { ServerResponse?: { prototype?: object } };
  if (ServerResponse?.prototype !== undefined) {
    const { prototype } = ServerResponse;
    undo.push(wrapInherited(prototype, 'emit', (emit) => responseEmit(emit, context)));
    const withTiming = serverTiming(context);
    undo.push(wrapMethod(prototype, 'writeHead', withTiming));
    undo.push(wrapMethod(prototype, 'writeHeader', withTiming)); // its older name, removed in Node.js 26
  }
  const { IncomingMessage } = exports as { IncomingMessage?: { prototype?: object } };
  if (IncomingMessage?.prototype !== undefined) {
    undo.push(wrapInherited(IncomingMessage.prototype, 'emit', (emit) => messageEmit(emit, context)));
  }
  return { undo };
}

function serverEmit(original: Original, type: 'http' | 'https', context: InstrumentationContext): HostFunction {
  const { entrySpans, activeSpan, servers, errors, state } = context;
  const breaker = errors.breaker(`${type} server`);
  function trackListening(server: Server, event: unknown): void {
    try {
      if (event === 'listening') servers.listening(server, type, server.address());
      else if (event === 'close') servers.closed(server);
    } catch (error) {
      breaker.record(error);
    }
  }
  /** The application gets the connection of an upgrade request, and no response object. */
  function upgrade(self: Server, args: IArguments): unknown {
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      const [, request, connection] = args as unknown as [unknown, IncomingMessage?, Duplex?];
      const isWanted = !breaker.isOpen && !state.isDisabled && self.listenerCount('upgrade') > 0;
      if (isWanted && request !== undefined && connection !== undefined) {
        span = entrySpans.begin(request, connection as unknown as ServerResponse); // in place of the response: only compared
        if (span instanceof SpanRecord) new UpgradeResponse(context, span, connection);
      }
    } catch (error) {
      breaker.record(error);
    }
    return span === null ? Reflect.apply(original.fn, self, args) : activeSpan.apply(span, original.fn, self, args);
  }
  function emit(this: Server, event?: unknown, request?: IncomingMessage, response?: ServerResponse): unknown {
    // Node.js emits one of the three per request. An application may emit `request` again, but a request has one span.
    if (event !== 'request' && event !== 'checkContinue' && event !== 'checkExpectation') {
      if (event === 'upgrade') return upgrade(this, arguments);
      if (event === 'listening' || event === 'close') trackListening(this, event);
      return Reflect.apply(original.fn, this, arguments);
    }
    let span: ReturnType<typeof entrySpans.begin> = null;
    try {
      if (!breaker.isOpen && !state.isDisabled && request !== undefined && response !== undefined)
        span = entrySpans.begin(request, response);
    } catch (error) {
      breaker.record(error);
    }
    if (span === null) return Reflect.apply(original.fn, this, arguments);
    let threw = true;
    const outer = activeSpan.enter(span);
    try {
      const result = Reflect.apply(original.fn, this, arguments);
      threw = false;
      return result;
    } finally {
      activeSpan.exit(outer);
      // No `catch`: throwing the error again would change the source line that Node.js prints.
      if (threw && span instanceof SpanRecord) entrySpans.threw(span);
    }
  }
  return emit as HostFunction;
}

/**
 * Observes the end of responses in `emit`: `finish` after the last byte, `close` if the connection ended before. A listener would cost
 * a closure per response, and the application could see it (`listenerCount`).
 */
function responseEmit(original: Original, { entrySpans, activeSpan, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('end of a response');
  function emit(this: ServerResponse, event?: unknown): unknown {
    let span: SpanRecord | Suppressed | null = null;
    try {
      if (event === 'finish' || event === 'close') {
        const active = entrySpans.activeOf(this);
        entrySpans.end(this, event === 'close', active);
        // The listener of Node.js for `finish` does not need the context. Most responses have no other.
        if (active === null && !breaker.isOpen && this.listenerCount(event) > (event === 'finish' ? 1 : 0))
          span = entrySpans.inactiveSpanOf(this);
      } else if (event !== 'prefinish' && event !== 'socket' && !breaker.isOpen) {
        // Only Node.js listens to these two.
        if (entrySpans.activeOf(this) === null && hasListener(this, event)) span = entrySpans.inactiveSpanOf(this);
      }
    } catch (error) {
      breaker.record(error);
    }
    if (span === null) return Reflect.apply(original.fn, this, arguments);
    return activeSpan.apply(span, original.fn, this, arguments);
  }
  return emit as HostFunction;
}

/** An event without listeners needs no context. */
function hasListener(emitter: EventEmitter, event: unknown): boolean {
  return typeof event === 'string' && emitter.listenerCount(event) > 0;
}

/**
 * Recognises the listener of Node.js for the end of a request whose response was sent before. It does not need the context, and most
 * requests have no other. It is not exported, so it is recognised by its source once, and then by identity.
 */
class NodeEndListener {
  #recognised: unknown;
  #rejected: unknown;

  /** Whether it is the only listener for the `end` of a request. */
  isOnlyListener(request: IncomingMessage): boolean {
    const { _events: events } = request as { _events?: { end?: unknown } }; // internal to Node.js; without it every `end` gets the context
    const listener = events?.end;
    if (typeof listener !== 'function') return false;
    if (listener === this.#recognised) return true;
    if (this.#recognised !== undefined || listener === this.#rejected || listener.name !== 'clearIncoming')
      return false;
    const isNodes = /parser\.incoming === req\b/.test(sourceOf(listener));
    if (isNodes) this.#recognised = listener;
    else this.#rejected = listener;
    return isNodes;
  }
}

/**
 * Calls listeners for `data` and `end` in the asynchronous context of their request, incoming or outgoing. The body of an incoming one
 * arrives in that of the connection, where no span is active.
 */
function messageEmit(original: Original, { entrySpans, activeSpan, errors }: InstrumentationContext): HostFunction {
  const breaker = errors.breaker('events of a message');
  const nodeEndListener = new NodeEndListener();
  function emit(this: IncomingMessage, event?: unknown): unknown {
    let active: ActiveState | null = null;
    try {
      // Node.js emits these two in the context of the call that caused them.
      if (event !== 'resume' && event !== 'pause' && !breaker.isOpen && entrySpans.activeOf(this) === null) {
        const isWanted = hasListener(this, event) && !(event === 'end' && nodeEndListener.isOnlyListener(this));
        if (isWanted) active = entrySpans.inactiveSpanOf(this);
        if (isWanted && active === null) {
          const call = clientCalls.get(this);
          if (call !== undefined && isOutsideCall(call, this, event, activeSpan)) active = call.active;
        }
      }
    } catch (error) {
      breaker.record(error);
    }
    if (active === null) return Reflect.apply(original.fn, this, arguments);
    return activeSpan.apply(active, original.fn, this, arguments);
  }
  return emit as HostFunction;
}

export const httpServer: Instrumentation = {
  name: 'http',
  presets: httpPresets,
  module: 'http',
  patch: (exports, context) => patchServer(exports, 'http', context),
};

export const httpsServer: Instrumentation = {
  name: 'https',
  presets: httpPresets,
  module: 'https',
  patch: (exports, context) => patchServer(exports, 'https', context),
};
