// Ends spans that the application seems to have forgotten, so that they are sent and do not take up memory forever.
import type { Recorder } from '../../spans/recorder.js';
import type { SpanRecord } from '../../spans/span.js';
import type { HttpEntrySpans } from './entry-spans.js';
import type { HttpExitSpans } from './exit-spans.js';

/** An outgoing request whose response is not read to its end counts as over this long after the head of the response arrived. */
const unreadResponseMs = 10_000;

export interface ForgottenSpansDependencies {
  readonly recorder: Recorder;
  readonly entrySpans: HttpEntrySpans;
  readonly exitSpans: HttpExitSpans;
  readonly now: () => number;
}

/** Call this every second. Requests without a response end as unfinished after `maxRequestMs`, unread responses without an error. */
export function endForgottenSpans(dependencies: ForgottenSpansDependencies, maxRequestMs: number): void {
  const nowMs = dependencies.now();
  dependencies.recorder.expire(Math.min(maxRequestMs, unreadResponseMs), (span) =>
    endIfForgotten(dependencies, span, nowMs, maxRequestMs),
  );
}

function endIfForgotten(
  { entrySpans, exitSpans }: ForgottenSpansDependencies,
  span: SpanRecord,
  nowMs: number,
  maxRequestMs: number,
): void {
  const headTick = span.http?.headTick ?? 0;
  if (headTick > 0 && nowMs - headTick >= unreadResponseMs) exitSpans.end(span, false);
  else if (nowMs - span.startTick >= maxRequestMs) entrySpans.expire(span, maxRequestMs);
}
