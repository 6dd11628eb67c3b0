// Makes the sensor's tracer the global one of a copy of the opentracing package.
import type { InstanaTracer } from './tracer.js';

type GlobalTracer = Pick<InstanaTracer, 'startSpan' | 'inject' | 'extract'>;

/** What a copy of the package is seen as; its members may be missing. */
interface OpenTracingCopy {
  readonly Tracer?: new () => GlobalTracer;
  readonly globalTracer?: () => GlobalTracer;
  readonly initGlobalTracer?: (tracer: GlobalTracer) => void;
}

/** A carrier by which our own tracer is known again. */
const probe = Object.freeze({});
const textMap = 'text_map';

/**
 * Makes ours the global tracer of a copy of the package, unless the application has set one already. `tracer` is asked for with the
 * first span only, since making it loads the very package that may just be loading.
 */
export function adopt(exports: unknown, tracer: () => InstanaTracer): void {
  const copy = exports as OpenTracingCopy & { readonly default?: OpenTracingCopy };
  const { initGlobalTracer, globalTracer, Tracer } = copy.initGlobalTracer === undefined ? (copy.default ?? {}) : copy;
  if (typeof initGlobalTracer !== 'function') return;
  if (typeof globalTracer === 'function' && typeof Tracer === 'function') {
    // Until a tracer is set the global one answers with what the package's own class, which does nothing, answers with.
    const found: unknown = globalTracer().extract(textMap, probe);
    if (found === probe || found !== new Tracer().extract(textMap, probe)) return;
  }
  initGlobalTracer({
    startSpan: (name, options) => tracer().startSpan(name, options),
    inject: (context, format, carrier) => tracer().inject(context, format, carrier),
    extract: (format, carrier) => (carrier === probe ? (probe as never) : tracer().extract(format, carrier)),
  });
}
