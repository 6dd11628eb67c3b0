// Detects that a request of the sensor is all that keeps the process alive.
import { systemClock, type Timer } from '../core/clock.js';

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

/**
 * A connect or write that never completes would keep a process alive that has nothing else to do. Calls `onIdle` once when two
 * checks in a row find only such operations.
 */
export function watchForIdleProcess(onIdle: () => void): { stop(): void } {
  let idleChecks = 0;
  let timer: Timer;
  const wait = (): void => {
    timer = systemClock.setTimeout(check, exitCheckMs);
    timer.unref();
  };
  const check = (): void => {
    idleChecks = isHeldBySocketsOnly() ? idleChecks + 1 : 0;
    if (idleChecks < 2) wait();
    else onIdle();
  };
  wait();
  return { stop: () => systemClock.clearTimeout(timer) };
}

/** Whether only socket operations, possibly the sensor's, and output streams are active. Output streams keep nothing alive. */
function isHeldBySocketsOnly(): boolean {
  const active = process.getActiveResourcesInfo();
  const others = active.filter((name) => !socketOperations.has(name));
  return active.length > others.length && (others.length === 0 || others.length <= countOutputHandles());
}

/** Pipes and terminals of the process's output are listed as active forever once the application has used them. */
function countOutputHandles(): number {
  const handles = (process as { _getActiveHandles?: () => unknown[] })._getActiveHandles?.() ?? [];
  return handles.filter((handle) => {
    const fd = (handle as { fd?: unknown } | null)?.fd;
    return fd === 1 || fd === 2;
  }).length;
}
