// Look-up, announce and the agent's paths, as they cross the network.

/** The plugin as which the process is known to the agent. */
export const pluginName = 'com.instana.plugin.nodejs';

/** Where to announce. */
export const announcePath: string = `/${pluginName}.discovery`;

/** Readiness and metrics of the process that the agent knows by `pid`. */
export function entityPath(pid: number): string {
  return `/${pluginName}.${pid}`;
}

/** Spans of the process. */
export function tracesPath(pid: number): string {
  return `/${pluginName}/traces.${pid}`;
}

/** The answer to a request of the agent. */
export function responsePath(pid: number, messageId: string): string {
  return `/${pluginName}/response.${pid}?messageId=${encodeURIComponent(messageId)}`;
}

/** Counters of the sensor itself. */
export const tracerMetricsPath = '/tracermetrics';

/** By what the agent finds the process on its host; what cannot be known is absent. */
export interface AnnounceRequest {
  readonly pid: number;
  readonly pidFromParentNS: boolean;
  readonly name?: string;
  readonly args?: readonly string[];
  readonly cpuSetFileContent?: string;
  /** Descriptor number of the socket that carries this very request. */
  readonly fd?: string;
  /** `socket:[N]` of that descriptor. */
  readonly inode?: string;
}

/** A checked answer; all that is optional in it, unchecked, is in `raw`. */
export interface AnnounceResponse {
  /** The pid as the agent knows it, which may differ from that of the process. */
  readonly pid: number;
  readonly agentUuid: string;
  readonly raw: Readonly<Record<string, unknown>>;
}

const maxUuidLength = 256;

/** The answer to an announce, or null when it is none that can be used. */
export function parseAnnounceResponse(text: string): AnnounceResponse | null {
  const raw = parseObject(text);
  if (raw === null) return null;
  const { pid, agentUuid } = raw as { pid?: unknown; agentUuid?: unknown };
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
  if (typeof agentUuid !== 'string' || agentUuid === '' || agentUuid.length > maxUuidLength) return null;
  return { pid, agentUuid, raw };
}

/** Whether a good answer to the look-up came from an agent: current ones tell a version, older ones name themselves. */
export function isAgentResponse(text: string, serverHeader: string): boolean {
  if (serverHeader.toLowerCase().includes('instana agent')) return true;
  const response = parseObject(text);
  return response !== null && Object.hasOwn(response, 'version');
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
