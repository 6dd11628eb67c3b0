// Requests that the agent puts into its responses to metrics, and the replies to them.
import { oneLine } from '../core/log.js';

/** One request of the agent. */
export interface AgentRequest {
  readonly action: string;
  readonly messageId: string;
}

const maxRequests = 10;
const maxIdLength = 200;

/** The well-formed requests in a response; anything else is ignored. */
export function parseRequests(text: string): AgentRequest[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isRequest).slice(0, maxRequests) : [];
  } catch {
    return [];
  }
}

function isRequest(value: unknown): value is AgentRequest {
  if (typeof value !== 'object' || value === null) return false;
  const { action, messageId } = value as { action?: unknown; messageId?: unknown };
  return isText(action) && isText(messageId) && messageId.length <= maxIdLength && !/\p{Surrogate}/u.test(messageId);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** The body of the reply. Nothing of the request is executed or opened: source code does not leave the process. */
export function respondTo(request: AgentRequest): Record<string, unknown> {
  if (request.action === 'node.source') return { error: 'Functionality disabled.' };
  if (request.action === 'node.getModuleAnalysis') return { data: analyseModules() };
  return { error: `Don't know how to handle action: ${oneLine(request.action)}.` };
}

function analyseModules(): Record<string, unknown> {
  // Not require.main, which stays undefined in a module that was loaded before the application.
  const main = process.mainModule;
  return {
    cwd: currentDirectory(),
    'require.main.filename': main?.filename ?? process.argv[1] ?? null,
    'require.main.paths': main?.paths ?? [],
    'require.cache': Object.keys(require.cache),
  };
}

function currentDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null; // it was removed
  }
}
