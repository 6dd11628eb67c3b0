// The load generator, in its own process so that its CPU is not counted elsewhere. Connections stay open between plans.
import { answerParent } from '../child-process.js';
import { Connections, type Outcome } from './connections.js';

/** What to send, and how fast. */
export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  /** Extra header lines, each with its line end. */
  readonly head: string;
  readonly requests: number;
  /** Requests a second; null for as fast as the server responds. */
  readonly rate: number | null;
}

/** The outcome of a plan. */
export type LoadResult = Outcome | { readonly error: string };

const connectionCount = 32;
const open: Map<string, Connections> = new Map();

async function connectionsFor({ port, path, head }: LoadPlan): Promise<Connections> {
  const key = `${port} ${path} ${head}`;
  const known = open.get(key);
  if (known !== undefined) return known;
  const connections = await Connections.open(port, path, head, connectionCount);
  open.set(key, connections);
  return connections;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  try {
    return await (await connectionsFor(plan)).send(plan.requests, plan.rate);
  } catch (error) {
    return { error: String(error) };
  }
}

answerParent(run);
