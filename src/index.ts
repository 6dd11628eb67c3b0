// The public API of @instana/ts-sensor.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SensorOptions } from './config/options.js';
import type { EumOptions } from './eum-snippet.js';
import type { InstanaTracer } from './opentracing/tracer.js';
import { sensor } from './process-sensor.js';
import type { SensorStatus } from './status.js';

export type { SecretsMatcher, SensorOptions } from './config/options.js';
export type { Logger } from './core/log.js';
export type { EumOptions } from './eum-snippet.js';
export type { ModuleStatus } from './instrumentation/loader.js';
export type { InstanaSpanOptions, InstanaTracer } from './opentracing/tracer.js';
export type { SensorStatus } from './status.js';

/** The OpenTracing 0.14 tracer of this process; its first use starts the sensor. */
export const tracer: InstanaTracer = sensor().tracer;

/** HTML `<script>` for a page's head; empty without a key, and outside any request when no trace id is given. Never throws. */
export function eumSnippet(options: EumOptions = {}): string {
  return sensor().eumSnippet(options);
}

/** Sets options and starts the sensor; the environment wins over them. Invalid values are logged and ignored. Never throws. */
export function configure(options: SensorOptions = {}): void {
  sensor().configure(options);
}

/** How the sensor is doing: agent connection, patched modules, span counters, own errors. */
export function status(): SensorStatus {
  return sensor().status();
}

/** Resolves when everything that is finished is delivered, or after five seconds; never rejects. */
export function flush(): Promise<void> {
  return sensor().flush();
}

/** A Connect-style middleware that makes the entry span of a request where its server is not traced. */
export function middleware(): (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void {
  return sensor().requestWrapper.middleware();
}

/** The same for any `(req, res)` listener; `this` and the result of `listener` are kept. */
export function wrapListener<This, Request extends IncomingMessage, Response extends ServerResponse, Result>(
  listener: (this: This, request: Request, response: Response) => Result,
): (this: This, request: Request, response: Response) => Result {
  return sensor().requestWrapper.wrapListener(listener);
}
