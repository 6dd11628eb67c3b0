// Preload of the official sensor. Its queue is long enough for a block, so that nothing is lost.
require('@instana/collector')({ tracing: { maxBufferedSpans: 100_000 } });
