// Delivers the last spans of a process that is ending: a worker thread sends them while the main thread, in its `exit` event, waits.
import { Worker } from 'node:worker_threads';

export interface LastRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Bodies of trace requests, sent one after the other. */
  readonly bodies: readonly Uint8Array[];
}

/** Runs in the worker, where nothing of ours is loaded: sends each body, then wakes the main thread. */
const script = `
const { workerData: { request, flag } } = require('node:worker_threads');
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
function done() { Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); process.exit(); }
function send(index) {
  if (index >= request.bodies.length) return done();
  const body = request.bodies[index];
  const post = http.request({
    host: request.host, port: request.port, path: request.path, method: 'POST', agent,
    headers: { 'Content-Type': 'application/json; charset=UTF-8', 'Content-Length': body.length },
  }, (response) => { response.resume(); response.on('end', () => send(index + 1)); response.on('error', done); });
  post.on('error', done);
  post.end(body);
}
send(0);
`;

/**
 * Blocks until the requests are answered, refused, or `timeoutMs` is over. The process then ends as it would have: its exit code
 * and signal stay. To be called in the `exit` event, where no turn of the event loop is left.
 */
export function deliverAtExit(request: LastRequest, timeoutMs: number): void {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  // Without the preloads and options of the host, and with its output going nowhere.
  const worker = new Worker(script, {
    eval: true,
    workerData: { request, flag },
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
  });
  worker.unref();
  Atomics.wait(flag, 0, 0, timeoutMs);
}
