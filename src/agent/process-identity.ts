// How the agent recognises this process: pid, command line, control group, socket.
import { readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { AnnounceRequest } from '../protocol/announce.js';
import { redactArguments } from '../redaction/command-line.js';

const maxCpuSetLength = 2000;

/** The announce for the request that `socket` carries. Outside Linux only the pid is known. */
export function describeProcess(
  procRoot: string,
  socket: Socket,
  isSecret: ((name: string) => boolean) | undefined,
): AnnounceRequest {
  const root = `${procRoot}/${process.pid}`;
  const pid = readParentPid(root);
  return {
    pid,
    pidFromParentNS: pid !== process.pid,
    ...readCommandLine(root, isSecret),
    ...readCpuSet(root),
    ...describeSocket(root, socket),
  };
}

/** On older kernels the scheduler shows the pid of the root namespace, even inside a container. */
function readParentPid(root: string): number {
  const pid = Number(/^[^(]+\((\d+),/.exec(read(`${root}/sched`) ?? '')?.[1]);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : process.pid;
}

function readCommandLine(
  root: string,
  isSecret: ((name: string) => boolean) | undefined,
): Pick<AnnounceRequest, 'name' | 'args'> {
  const line = read(`${root}/cmdline`);
  if (line === null || line === '') return {};
  const [name = '', ...args] = line.replace(/\0$/, '').split('\0');
  return { name, args: redactArguments(args, isSecret) };
}

function readCpuSet(root: string): Pick<AnnounceRequest, 'cpuSetFileContent'> {
  const content = read(`${root}/cpuset`);
  return content === null || content.length >= maxCpuSetLength ? {} : { cpuSetFileContent: content };
}

function describeSocket(root: string, socket: Socket): Pick<AnnounceRequest, 'fd' | 'inode'> {
  const fd = descriptorOf(socket);
  if (fd === null) return {};
  try {
    // Build tools that patch readlink give an absolute path.
    const inode = readlinkSync(`${root}/fd/${fd}`).replace(/^.*\/(?=socket:\[)/, '');
    return { fd: String(fd), inode };
  } catch {
    return { fd: String(fd) };
  }
}

/** The number is on the handle, which is not part of Node's documented interface; it has been there in all versions. */
function descriptorOf(socket: Socket): number | null {
  const fd: unknown = (socket as { _handle?: { fd?: unknown } | null })._handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
