// The agent for tests of applications: the spans that a sensor sent, and waiting without a verdict.
import type { WireSpan } from '../../src/protocol/wire-span.js';
import { TestAgent } from './agent/test-agent.js';
import { becomesTrue } from './agent/wait-until.js';

/** What tests of applications need of an agent. */
export interface SpanCollector {
  readonly port: number;
  spans(): readonly WireSpan[];
  /** Resolves as soon as `enough` holds, or when the time is up: the caller's assertions show which. */
  waitForSpans(enough: (spans: readonly WireSpan[]) => boolean, timeoutMs: number): Promise<void>;
  /** Resolves once a sensor has announced the process and knows that the agent is ready; false when the time is up. */
  waitForAnnounce(pid: number, timeoutMs: number): Promise<boolean>;
  clear(): void;
  close(): Promise<void>;
}

/** Starts an agent on a free port of 127.0.0.1. */
export async function startTestAgent(): Promise<SpanCollector> {
  const agent = await TestAgent.start();
  return {
    port: agent.port,
    spans: () => agent.spans(),
    waitForSpans: async (enough, timeoutMs) => {
      await becomesTrue(() => enough(agent.spans()), timeoutMs);
    },
    waitForAnnounce: (pid, timeoutMs) => becomesTrue(() => agent.ready.has(pid), timeoutMs),
    clear: () => agent.clear(),
    close: () => agent.close(),
  };
}
