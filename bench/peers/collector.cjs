// Preloads the official sensor, with a queue that is long enough for a block, so that no span is lost.
require('@instana/collector')({ tracing: { maxBufferedSpans: 100_000 } });
