// Paths of the agent, and the messages of look-up and announce.

/** Name of the agent's plugin for Node.js processes. */
export const pluginName = 'com.instana.plugin.nodejs';

/** Path to announce the process. */
export const announcePath: string = `/${pluginName}.discovery`;

/** Path for readiness and metrics of the process that the agent knows by `pid`. */
export function entityPath(pid: number): string {
  return `/${pluginName}.${pid}`;
}

/** Path for spans of the process. */
export function tracesPath(pid: number): string {
  return `/${pluginName}/traces.${pid}`;
}

/** Path for the response to one of the agent's requests. */
export function responsePath(pid: number, messageId: string): string {
  return `/${pluginName}/response.${pid}?messageId=${encodeURIComponent(messageId)}`;
}

/** Path for counters of the sensor itself. */
export const tracerMetricsPath = '/tracermetrics';

/** Identifies the process, so that the agent finds it on its host. Unknown members are absent. */
export interface AnnounceRequest {
  readonly pid: number;
  readonly pidFromParentNS: boolean;
  readonly name?: string;
  readonly args?: readonly string[];
  readonly cpuSetFileContent?: string;
  /** Descriptor number of the socket that carries this request. */
  readonly fd?: string;
  /** `socket:[N]` of that descriptor. */
  readonly inode?: string;
}

/** A validated response. `raw` holds the complete response; its optional members are not validated. */
export interface AnnounceResponse {
  /** The pid that the agent uses, which may differ from the process's own. */
  readonly pid: number;
  readonly agentUuid: string;
  readonly raw: Readonly<Record<string, unknown>>;
}

const maxUuidLength = 256;

/** Parses the response to an announce; null if it is invalid. */
export function parseAnnounceResponse(text: string): AnnounceResponse | null {
  const raw = parseObject(text);
  if (raw === null) return null;
  const { pid, agentUuid } = raw as { pid?: unknown; agentUuid?: unknown };
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
  if (typeof agentUuid !== 'string' || agentUuid === '' || agentUuid.length > maxUuidLength) return null;
  return { pid, agentUuid, raw };
}

/** Whether a successful look-up response came from an agent: current agents send a version, older ones name themselves in `Server`. */
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
