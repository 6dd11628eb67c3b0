// Spans for an agent that knows this process: their path, their form, and what follows from a failure.
import type { Log } from '../core/log.js';
import type { Batch, BatchExporter, BatchSource, ExportTarget } from '../export/batch-exporter.js';
import type { FinalRequest } from '../export/exit-flush.js';
import { type Outcome, reasonOf } from '../export/outcome.js';
import { tracesPath } from '../protocol/announce.js';
import type { HttpConnection } from '../transport/http-connection.js';
import { askAgent } from './agent-outcome.js';
import type { Session } from './announce-cycle.js';
import type { Counters, Disconnect } from './metrics-sender.js';

/** The part of the recorder that the agent connection uses. */
export interface SpanSource extends BatchSource {
  /**
   * The oldest waiting spans as the body of one trace request (a JSON array), or null when none wait. `entity` and `host`
   * become `f.e` and `f.h`.
   */
  take(entity: string, host: string): Batch | null;
  /** Counters since the last read. */
  readCounters(): Counters;
}

export interface AgentTargetDependencies {
  readonly connection: HttpConnection;
  readonly log: Log;
  readonly spans: SpanSource;
  readonly onDisconnect: (disconnect: Disconnect) => void;
  /** A worker thread sends no metrics, so that only its spans can show that the agent is gone. */
  readonly isMainThread: boolean;
}

const failuresBeforeDisconnect = 3;

/** One for each session. Spans stay queued unless the agent has accepted them. */
export class AgentTarget implements ExportTarget {
  readonly intervalMs = 1000;
  readonly finalAddress: Omit<FinalRequest, 'bodies'>;
  readonly #dependencies: AgentTargetDependencies;
  readonly #session: Session;

  constructor(dependencies: AgentTargetDependencies, session: Session) {
    const { host, port } = session.address;
    this.finalAddress = { host, port, path: tracesPath(session.identity.pid) };
    this.#dependencies = dependencies;
    this.#session = session;
  }

  take(): Batch | null {
    const { pid, agentUuid } = this.#session.identity;
    return this.#dependencies.spans.take(String(pid), agentUuid);
  }

  send(body: Batch['body']): Promise<Outcome> {
    const { path } = this.finalAddress;
    return askAgent(this.#dependencies.connection, this.#session.address, { method: 'POST', path, body });
  }

  /** The process is announced again when the agent does not know it, or seems to be gone and only spans can notice. */
  onOutcome(outcome: Outcome, exporter: BatchExporter): void {
    const { connection, log, isMainThread, onDisconnect } = this.#dependencies;
    if (outcome.kind !== 'retry' && outcome.kind !== 'not-found' && outcome.kind !== 'unreachable') return;
    const reason = reasonOf(outcome);
    log.debug(`spans were not delivered and are kept: ${reason}`);
    if (connection.isAbortedAtExit()) exporter.endFlushes();
    const isGone =
      outcome.kind === 'unreachable' && !isMainThread && exporter.failures % failuresBeforeDisconnect === 0;
    if ((outcome.kind === 'not-found' || isGone) && exporter.detach(this))
      onDisconnect({ reason: `spans were not accepted, ${reason}`, needsAnnounce: true });
  }
}
