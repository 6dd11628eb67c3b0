// Ends spans that the application seems to have forgotten, so that they are sent and do not take up memory forever.
import type { Recorder } from '../../spans/recorder.js';
import type { HttpAttributes, SpanRecord } from '../../spans/span.js';
import type { HttpEntrySpans } from './entry-spans.js';
import type { HttpExitSpans } from './exit-spans.js';
import { bytesTransferred } from './transfer-progress.js';

/** An outgoing request counts as over if nobody has begun to read its response this long after the head arrived. */
const unreadResponseMs = 10_000;
/** The byte counters of a request are read from this age on. */
const firstLookMs = 1000;

export interface ForgottenSpansDependencies {
  readonly recorder: Recorder;
  readonly entrySpans: HttpEntrySpans;
  readonly exitSpans: HttpExitSpans;
  readonly now: () => number;
}

/** When the connection of a request last carried a byte. */
interface Progress {
  bytes: number;
  /** Monotonic, in milliseconds. */
  tick: number;
  hasMoved: boolean;
}

/** Looks at long requests once a second, so that nothing has to be done for each chunk of a body. */
export class ForgottenSpans {
  readonly #dependencies: ForgottenSpansDependencies;
  readonly #progress: WeakMap<SpanRecord, Progress> = new WeakMap();

  constructor(dependencies: ForgottenSpansDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Ends a request as unfinished if it has had no end, and no byte was sent or received, for `maxRequestMs`. Ends one whose response
   * nobody reads as of the arrival of the head, without an error.
   */
  end(maxRequestMs: number): void {
    const { recorder, now } = this.#dependencies;
    const nowMs = now();
    recorder.expire(Math.min(maxRequestMs / 2, firstLookMs), (span) => this.#endIfForgotten(span, nowMs, maxRequestMs));
  }

  #endIfForgotten(span: SpanRecord, nowMs: number, maxRequestMs: number): void {
    const { http } = span;
    const { entrySpans, exitSpans } = this.#dependencies;
    if (http !== null && http.headTick > 0 && nowMs - http.headTick >= unreadResponseMs && !isRead(http)) {
      exitSpans.end(span, false);
      return;
    }
    const progress = this.#progress.get(span);
    if (progress === undefined) {
      const tick = Math.max(span.startTick, http?.headTick ?? 0);
      this.#progress.set(span, { bytes: bytesOf(http), tick, hasMoved: false });
      return;
    }
    const bytes = bytesOf(http);
    if (bytes !== progress.bytes && !Number.isNaN(bytes)) {
      progress.bytes = bytes;
      progress.tick = nowMs;
      progress.hasMoved = true;
    }
    if (nowMs - progress.tick >= maxRequestMs) entrySpans.expire(span, maxRequestMs, progress.hasMoved);
  }
}

function isRead({ transfer }: HttpAttributes): boolean {
  return transfer?.hasReader === true;
}

/** The bytes on the connection of a request; NaN if it has none, or an unknown one. */
function bytesOf(http: HttpAttributes | null): number {
  if (http === null) return Number.NaN;
  const { transfer, request } = http;
  return bytesTransferred(transfer === null ? (request as { socket?: object | null } | null)?.socket : transfer.socket);
}
