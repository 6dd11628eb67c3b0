// A process with nothing to do but the sensor's connection: PORT, WAIT_MS before it has nothing else to do, BODY_BYTES of spans, FLUSH_MS at its end.
import { Agent } from '../../../src/agent/agent.js';
import { readConfig } from '../../../src/config/options.js';
import { Faults } from '../../../src/core/internal-errors.js';
import { Log } from '../../../src/core/log.js';
import { Beat } from '../../../src/core/ticker.js';
import { Meter } from '../../../src/metrics/agent-meter.js';
import { GcObserver } from '../../../src/metrics/gc-observer.js';

const bodyBytes = Number(process.env['BODY_BYTES'] ?? 0);
const flushMs = Number(process.env['FLUSH_MS'] ?? 0);
const log = new Log('off');
const faults = new Faults(log);
const config = () =>
  readConfig({ INSTANA_AGENT_HOST: '127.0.0.1', INSTANA_AGENT_PORT: process.env['PORT'] }, {}, undefined, () => {});
let isTaken = bodyBytes === 0;
const agent = new Agent({
  log,
  faults,
  config,
  spans: {
    take() {
      if (isTaken) return null;
      isTaken = true;
      return { body: JSON.stringify([{ s: 1, data: 'x'.repeat(bodyBytes) }]), count: 1 };
    },
    encodeSome: () => true,
    delivered() {},
    returned() {
      isTaken = false;
    },
    tooLarge() {},
    readCounters: () => ({ opened: 0, closed: 0, dropped: 0 }),
  },
  metrics: new Meter({
    beat: new Beat(faults),
    faults,
    gc: new GcObserver(faults),
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
    JSON.stringify({ lateMs: performance.now() - doneAt, state: agent.status().state, faults: faults.counts() }),
  );
});
