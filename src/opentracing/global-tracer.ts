// Makes the sensor's tracer the global one of a copy of the opentracing package.
import type { InstanaTracer } from './tracer.js';

type GlobalTracer = Pick<InstanaTracer, 'startSpan' | 'inject' | 'extract'>;

/** The exports of a copy of the package. Any member may be missing. */
interface OpenTracingCopy {
  readonly Tracer?: new () => GlobalTracer;
  readonly globalTracer?: () => GlobalTracer;
  readonly initGlobalTracer?: (tracer: GlobalTracer) => void;
}

/** A carrier that only our tracer returns as it is. */
const probe = Object.freeze({});
const textMap = 'text_map';

/**
 * Makes our tracer the global one of a copy of the package, unless the application has already set one. `tracer` is called with the
 * first span, because making a tracer loads the package, which may be loading at this moment.
 */
export function adopt(exports: unknown, tracer: () => InstanaTracer): void {
  const copy = exports as OpenTracingCopy & { readonly default?: OpenTracingCopy };
  const { initGlobalTracer, globalTracer, Tracer } = copy.initGlobalTracer === undefined ? (copy.default ?? {}) : copy;
  if (typeof initGlobalTracer !== 'function') return;
  if (typeof globalTracer === 'function' && typeof Tracer === 'function') {
    // Until a tracer is set, the global one returns the same as the package's own class, which does nothing.
    const found: unknown = globalTracer().extract(textMap, probe);
    if (found === probe || found !== new Tracer().extract(textMap, probe)) return;
  }
  initGlobalTracer({
    startSpan: (name, options) => tracer().startSpan(name, options),
    inject: (context, format, carrier) => tracer().inject(context, format, carrier),
    extract: (format, carrier) => (carrier === probe ? (probe as never) : tracer().extract(format, carrier)),
  });
}
