// Finds out which server and process use a port that is taken, for one line of an error message.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import fetch, { type RequestInit } from 'node-fetch';
import { bracketed } from '../../core/bracketed.js';
import { oneLine } from '../../core/log.js';

const timeoutMs = 1000;
const maxBodyBytes = 4096;

/** Describes what uses the port, for instance `another Instana agent (version 1.1.999), process 4711 (node)`. */
export async function describePortOwner(host: string, port: number): Promise<string> {
  const server = await probe(host, port);
  const process = findListener(port);
  return process === null ? server : `${server}, ${process}`;
}

async function probe(host: string, port: number): Promise<string> {
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const url = `http://${bracketed(anywhere[host] ?? host)}:${port}/`;
  try {
    // A deadline, not an idle timeout: the server may send a byte now and then forever.
    const signal = AbortSignal.timeout(timeoutMs) as RequestInit['signal']; // Node's own, which the client's types describe differently
    const response = await fetch(url, { redirect: 'manual', compress: false, size: maxBodyBytes, signal });
    const body = await response.text().catch(() => '');
    return describeServer(response.headers.get('server'), body);
  } catch {
    return 'something that does not speak HTTP';
  }
}

function describeServer(server: string | null, body: string): string {
  const version = readVersion(body);
  const isAgent = server?.includes('Instana Agent') === true;
  if (version !== null) return `another Instana agent (version ${oneLine(version)})`;
  if (isAgent) return 'another Instana agent (version unknown)';
  return `a server that is not an Instana agent (${server === null ? 'no Server header' : `Server: ${oneLine(server)}`})`;
}

function readVersion(body: string): string | null {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || !('version' in value)) return null;
    return String(value.version);
  } catch {
    return null;
  }
}

/** The process that listens on the port; `null` if the system does not reveal it, as for processes of other users. */
function findListener(port: number): string | null {
  try {
    const sockets = listeningSockets(port);
    if (sockets.size === 0) return null;
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holdsSocket(name, sockets));
    return pid === undefined ? null : `process ${pid} (${oneLine(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())})`;
  } catch {
    return null;
  }
}

function listeningSockets(port: number): Set<string> {
  const localPort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  const sockets = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === listening && local?.endsWith(localPort) && inode !== undefined) sockets.add(`socket:[${inode}]`);
    }
  }
  return sockets;
}

function holdsSocket(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false; // The descriptor has been closed in the meantime.
      }
    });
  } catch {
    return false; // The process belongs to another user, or has ended.
  }
}
