// Notices that a request of ours is all that keeps the process alive.

const exitCheckMs = 50;

/**
 * Pending operations of unref'd sockets. Unlike the sockets, they keep the event loop alive, and nothing can unref them
 * (https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_alive counts active requests).
 */
const socketOperations: ReadonlySet<string> = new Set([
  'ConnectWrap',
  'TCPConnectWrap',
  'WriteWrap',
  'SimpleWriteWrap',
  'ShutdownWrap',
  'GetAddrInfoReqWrap',
]);

// Taken when this file is loaded, since a host under test may fake them later.
const { setTimeout, clearTimeout } = globalThis;

/**
 * A connect or write that never completes would keep a process alive that has nothing else to do. Calls `onIdle`, once, when two
 * looks in a row see nothing but such operations.
 */
export function watchForIdleProcess(onIdle: () => void): { stop(): void } {
  let idleLooks = 0;
  const look = (): void => {
    idleLooks = isHeldBySocketsOnly() ? idleLooks + 1 : 0;
    if (idleLooks < 2) timer = setTimeout(look, exitCheckMs).unref();
    else onIdle();
  };
  let timer = setTimeout(look, exitCheckMs).unref();
  return { stop: () => clearTimeout(timer) };
}

/** Whether nothing is active but operations of sockets, one of which may be ours, and output streams, which hold nothing. */
function isHeldBySocketsOnly(): boolean {
  const active = process.getActiveResourcesInfo();
  const others = active.filter((name) => !socketOperations.has(name));
  return active.length > others.length && (others.length === 0 || others.length <= countOutputHandles());
}

/** Output streams of the process that are pipes or terminals are listed as active for ever, once the host has used them. */
function countOutputHandles(): number {
  const handles = (process as { _getActiveHandles?: () => unknown[] })._getActiveHandles?.() ?? [];
  return handles.filter((handle) => {
    const fd = (handle as { fd?: unknown } | null)?.fd;
    return fd === 1 || fd === 2;
  }).length;
}
