// The load generator in a process of its own, so that its cost is nobody else's; its connections stay open between orders.
import { answerParent } from '../child.js';
import { Connections, type Outcome } from './connections.js';

/** What to send, and how fast. */
export interface Order {
  readonly port: number;
  readonly path: string;
  /** Further lines of the head, each with its line end. */
  readonly head: string;
  readonly requests: number;
  /** Requests a second; null: as fast as they are answered. */
  readonly rate: number | null;
}

export type LoadAnswer = Outcome | { readonly error: string };

const connectionCount = 32;
const open: Map<string, Connections> = new Map();

async function connectionsFor({ port, path, head }: Order): Promise<Connections> {
  const key = `${port} ${path} ${head}`;
  const known = open.get(key);
  if (known !== undefined) return known;
  const connections = await Connections.open(port, path, head, connectionCount);
  open.set(key, connections);
  return connections;
}

async function obey(order: Order): Promise<LoadAnswer> {
  try {
    return await (await connectionsFor(order)).send(order.requests, order.rate);
  } catch (error) {
    return { error: String(error) };
  }
}

answerParent(obey);
