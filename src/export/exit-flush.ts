// Delivers the last spans of a process that is ending: a worker thread sends them while the main thread, in its `exit` event, waits.
import { Worker } from 'node:worker_threads';

/** Bodies for one receiver. */
export interface FinalRequest {
  readonly host: string;
  readonly port: number;
  readonly isSecure?: boolean;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent one after the other. */
  readonly bodies: readonly Uint8Array[];
}

/** Runs in the worker, where no file of the sensor is loaded: each receiver gets its bodies, beside the others; then the main thread is woken. */
const script = `
const { workerData: { requests, flag } } = require('node:worker_threads');
let left = requests.length;
function done() {
  if (--left > 0) return;
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  process.exit();
}
for (const request of requests) {
  const client = require(request.isSecure ? 'node:https' : 'node:http');
  const agent = new client.Agent({ keepAlive: true, maxSockets: 1 });
  let isOver = false;
  const end = () => { if (!isOver) { isOver = true; done(); } };
  const send = (index) => {
    if (index >= request.bodies.length) return end();
    const body = request.bodies[index];
    const post = client.request({
      host: request.host, port: request.port, path: request.path, method: 'POST', agent,
      headers: { ...request.headers, 'Content-Type': 'application/json; charset=UTF-8', 'Content-Length': body.length },
    }, (response) => { response.resume(); response.on('end', () => send(index + 1)); response.on('error', end); });
    post.on('error', end);
    post.end(body);
  };
  send(0);
}
`;

/**
 * Blocks until each request has its response or has failed, or `timeoutMs` is over. The process then ends as it would have: its exit code
 * and signal stay. To be called in the `exit` event, where no turn of the event loop is left. Does nothing when there is none to send.
 */
export function flushAtExit(requests: readonly FinalRequest[], timeoutMs: number): void {
  if (requests.length === 0) return;
  const flag = new Int32Array(new SharedArrayBuffer(4));
  // Without the preloads and options of the application; its output goes nowhere.
  const worker = new Worker(script, {
    eval: true,
    workerData: { requests, flag },
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
  });
  worker.unref();
  Atomics.wait(flag, 0, 0, timeoutMs);
}
