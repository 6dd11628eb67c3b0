// A process with nothing to do but the sensor's connection: PORT, WAIT_MS before it has nothing else to do, BODY_BYTES of spans, FLUSH_MS at its end.
import { Agent } from '../../../src/agent/agent.js';
import { readConfig } from '../../../src/config/read-config.js';
import { InternalErrors } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Ticker } from '../../../src/core/ticker.js';
import { AgentMeter } from '../../../src/metrics/agent-meter.js';
import { GcObserver } from '../../../src/metrics/gc-observer.js';

const bodyBytes = Number(process.env['BODY_BYTES'] ?? 0);
const flushMs = Number(process.env['FLUSH_MS'] ?? 0);
const log = new Log('off');
const errors = new InternalErrors(log);
const config = () =>
  readConfig({ INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: process.env['PORT'] }, {}, undefined, () => {});
let isTaken = bodyBytes === 0;
const agent = new Agent({
  log,
  errors,
  config,
  spans: {
    take() {
      if (isTaken) return null;
      isTaken = true;
      return { body: JSON.stringify([{ s: 1, data: 'x'.repeat(bodyBytes) }]), count: 1 };
    },
    encodeSome: () => true,
    acknowledge() {},
    requeue() {
      isTaken = false;
    },
    tooLarge() {},
    waiting: () => (isTaken ? 0 : 1),
    readCounters: () => ({ opened: 0, closed: 0, dropped: 0 }),
  },
  metrics: new AgentMeter({
    ticker: new Ticker(errors),
    errors,
    gc: new GcObserver(errors),
    log,
    config,
    httpServers: () => ({}),
    initTooLate: () => false,
    sensorVersion: '0',
  }),
  onAnnounced() {},
  isMainThread: true,
});
agent.start();
// As nearly every application: the output streams exist.
if (process.env['USE_STDIO'] !== undefined) process.stdout.write('');

let doneAt = performance.now();
setTimeout(
  () => {
    doneAt = performance.now();
  },
  Number(process.env['WAIT_MS'] ?? 0),
);
if (flushMs > 0) process.once('beforeExit', () => void agent.flush(flushMs));
process.on('exit', () => {
  process.stdout.write(
    JSON.stringify({ lateMs: performance.now() - doneAt, state: agent.status().state, errors: errors.counts() }),
  );
});
