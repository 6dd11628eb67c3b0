// The ten events, live: a process with the sensor is put under the load that each is about. Its event opens, and no other that the
// load does not bring with it; when the load is over, it closes.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readlinkSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Alert } from '../../../src/devtools/alerts/alert-evaluator.js';
import { healthRules } from '../../../src/protocol/health-rules.js';
import { TestAgent } from '../../support/agent/test-agent.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { appsFolder, repositoryRoot } from '../../support/run-app.js';

/** Windows of 6 and 12 seconds in place of 5 and 10 minutes. Shorter ones would take one collection for a state. */
const eventWindowScale = 0.02;
const exportMs = 200;
const patienceMs = 40_000;
const isLinux = process.platform === 'linux';

let agent: TestAgent;
before(async () => {
  agent = await TestAgent.start({ eventWindowScale });
  agent.offerOtlp();
});
after(() => agent.close());

interface Subject {
  readonly load: string;
  /** Title of the event. */
  readonly event: string;
  /** What the same load cannot do without. */
  readonly mayOpen?: readonly string[];
  readonly nodeArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const highCpu = 'High CPU Utilization';
const frequentGc = 'Frequent Garbage Collection';
const contention = 'Excessive Context Switching';

/** The limit of the heap counts the room for young objects as well, which a program cannot fill. */
const onlyOld = '--max-semi-space-size=1';

/** V8 collects twice some eight seconds after a process has gone idle, which in a window of six seconds counts as frequent. */
const calmCollector = '--no-memory-reducer';

const light: readonly Subject[] = [
  { load: 'thrash', event: frequentGc, nodeArguments: ['--max-old-space-size=100'] },
  { load: 'block', event: 'High Event Loop Delay' },
  {
    load: 'leak',
    event: 'Memory Leak Detection',
    nodeArguments: ['--max-old-space-size=200', onlyOld],
    // A window of seconds cannot tell the few collections that show a leak from frequent ones.
    mayOpen: [frequentGc],
  },
  {
    load: 'fill',
    event: 'Heap Space Exhaustion',
    nodeArguments: ['--max-old-space-size=100', onlyOld],
    // V8 collects more often the less is left.
    mayOpen: [frequentGc],
  },
];

const heavy: readonly Subject[] = [
  { load: 'threads', event: 'High Thread Count' },
  // It wants all cores, so that whatever runs beside it has to take them away.
  { load: 'spin', event: highCpu, mayOpen: [contention] },
  // Cores are taken away from those who use them.
  { load: 'contend', event: contention, mayOpen: [highCpu], env: { UV_THREADPOOL_SIZE: '32' } },
];

// V8 collects when what buffers take outside of its heap grows.
const memorySubject: Subject = { load: 'memory', event: 'High Memory Usage', mayOpen: [frequentGc] };
const networkSubject: Subject = { load: 'send', event: 'High Network I/O' };
const diskSubject: Subject = { load: 'write', event: 'High Disk I/O' };

/** A process of test/apps/loads.cjs and its events. */
class Process {
  readonly child: ChildProcess;
  readonly #agent: TestAgent;
  stderr = '';

  constructor(subject: Subject, of: TestAgent, command: readonly string[] = []) {
    this.#agent = of;
    const [file = '', ...args] = [
      ...command,
      process.execPath,
      calmCollector,
      ...(subject.nodeArguments ?? []),
      '-r',
      process.env['TS_SENSOR_PRELOAD_REQUIRE'] ?? join(repositoryRoot, 'build/src/bootstrap.js'),
      join(appsFolder, 'loads.cjs'),
    ];
    const env = {
      PATH: process.env['PATH'],
      INSTANA_AGENT_HOST: new URL(of.url).hostname,
      INSTANA_AGENT_PORT: String(of.port),
      INSTANA_SERVICE_NAME: 'loads',
      OTEL_METRIC_EXPORT_INTERVAL: String(exportMs),
      ...subject.env,
    };
    this.child = spawn(file, args, { env, cwd: appsFolder, stdio: ['pipe', 'ignore', 'pipe'] });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
  }

  tell(word: string): void {
    this.child.stdin?.write(`${word}\n`);
  }

  /** Those of the process that have opened since a time. */
  events(sinceMs: number): Alert[] {
    return this.#agent.alerts().filter(({ pid, openedMs }) => pid === this.child.pid && openedMs >= sinceMs);
  }

  /** Waits for as many reports as make an event possible. */
  async reports(forMs: number): Promise<void> {
    const isOurs = () => this.#agent.instances.all().find(({ pid }) => pid === this.child.pid);
    const { firstSeenMs } = await waitUntil(isOurs, `metrics of ${this.child.pid}`, patienceMs);
    await waitUntil(() => Date.now() - firstSeenMs > forMs, 'enough reports', patienceMs);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    if (this.child.exitCode === null && this.child.signalCode === null) await ended;
    clearTimeout(kill);
  }
}

/** Idle, under its load, and idle again. */
async function prove(subject: Subject, process: Process, of: TestAgent): Promise<void> {
  const name = fullName(subject.event);
  const rule = healthRules.find((one) => one.name === name);
  assert.ok(rule !== undefined, name);
  const isCalm = (sinceMs: number) => () => process.events(sinceMs).every(({ state }) => state === 'closed');
  try {
    await process.reports(rule.windowMs * eventWindowScale);
    // A start is no idleness: with windows of seconds its collections may count as frequent.
    await waitFor(of, process, isCalm(0), 'idleness');
    const startedMs = Date.now();
    const find = () => process.events(startedMs).find((event) => event.name === name);
    process.tell(subject.load);
    const opened = await waitFor(of, process, find, name);
    for (const [metric, value] of Object.entries(opened.values)) {
      assert.ok(value > Number(opened.thresholds[metric]), `${metric} ${value}`);
    }
    process.tell('stop');
    await waitFor(of, process, () => find()?.state === 'closed', `the end of ${name}`);
    await waitFor(of, process, isCalm(startedMs), 'the end of all events');
    assert.equal(process.child.exitCode ?? process.child.signalCode, null, 'the load is over, not the process');
    const allowed = [subject.event, ...(subject.mayOpen ?? [])].map(fullName);
    const others = process.events(startedMs).filter((event) => !allowed.includes(event.name));
    assert.deepEqual(others, []);
  } finally {
    await process.end();
  }
}

function fullName(title: string): string {
  return `${title} in Node.js Application`;
}

/** Waits, and tells when it was in vain what the process said last. */
async function waitFor<Value>(
  of: TestAgent,
  process: Process,
  read: () => Value | null | undefined | false,
  what: string,
): Promise<Value> {
  try {
    return await waitUntil(read, what, patienceMs);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} ${latest(of, process)}`);
  }
}

/** What the process said last of the metrics of rules, to see why an event did not come. */
function latest(of: TestAgent, { child, stderr }: Process): string {
  const otlp = of.knownProcesses().find(({ pid }) => pid === child.pid)?.otlp;
  const metrics = healthRules.flatMap(({ conditions }) => conditions.map(({ metric }) => metric));
  const ended = child.exitCode ?? child.signalCode;
  return JSON.stringify([
    ended,
    stderr.slice(-2000),
    of.alerts().map(({ name, pid, state }) => [name, pid, state]),
    ...metrics.map((metric) => [metric, otlp?.metrics[metric]?.[0]?.value]),
  ]);
}

/** Why something of this machine cannot be had; undefined when it can. */
function lacking(what: string, attempt: () => void): string | undefined {
  if (!isLinux) return `${what}: Linux only`;
  try {
    attempt();
    return undefined;
  } catch (error) {
    return `${what}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

function tool(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' });
}

const limits = { timeout: 120_000 };

// These leave the cores to others, so they run side by side.
test('each event opens under its load alone and closes when that is over', {
  ...limits,
  concurrency: true,
}, async (t) => {
  await Promise.all(
    light.map((subject) => t.test(subject.event, () => prove(subject, new Process(subject, agent), agent))),
  );
});

for (const subject of heavy) {
  test(`${subject.event} opens under its load alone and closes when that is over`, limits, () =>
    prove(subject, new Process(subject, agent), agent),
  );
}

const group = `/sys/fs/cgroup/memory/ts-sensor-${process.pid}`;
const groupV2 = `/sys/fs/cgroup/ts-sensor-${process.pid}`;

/** A container's limit, without the container. */
function makeGroup(bytes: number): string {
  const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const folder = isV2 ? groupV2 : group;
  mkdirSync(folder);
  writeFileSync(join(folder, isV2 ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes));
  return folder;
}

function tryGroup(): void {
  rmdirSync(makeGroup(320 * 1024 * 1024));
}

const noGroup = lacking('a control group for memory, which takes root', tryGroup);
test(`${memorySubject.event} opens where a container is full`, { ...limits, skip: noGroup ?? false }, async () => {
  const folder = makeGroup(320 * 1024 * 1024);
  const command = ['sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh'];
  try {
    await prove(memorySubject, new Process(memorySubject, agent, command), agent);
  } finally {
    rmdirSync(folder);
  }
});

/** Of the range for benchmarks of networks, which is nobody's address. */
const ourAddress = '198.18.77.1';
const itsAddress = '198.18.77.2';
const ourInterface = `tss${process.pid}`;

function tryNamespace(): void {
  tool('unshare', '--net', 'true');
  tool('ip', 'link', 'add', ourInterface, 'type', 'veth', 'peer', 'name', `${ourInterface}p`);
  tool('ip', 'link', 'del', ourInterface);
}

const noNamespace = lacking('a network namespace, which takes root', tryNamespace);
// A network of its own, so that all bytes on its interface are those of the process, as in a container.
test(`${networkSubject.event} opens in a container that sends`, { ...limits, skip: noNamespace ?? false }, async () => {
  // A namespace lives as long as a process in it; this one waits until its input ends.
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  let own: TestAgent | null = null;
  try {
    await waitUntil(() => namespaceOf(holder.pid) !== namespaceOf(process.pid), 'the namespace');
    const inside = ['nsenter', '--net', '--target', String(holder.pid)];
    tool('ip', 'link', 'add', ourInterface, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid));
    tool('ip', 'addr', 'add', `${ourAddress}/30`, 'dev', ourInterface);
    tool('ip', 'link', 'set', ourInterface, 'up');
    tool('nsenter', ...inside.slice(1), 'ip', 'addr', 'add', `${itsAddress}/30`, 'dev', 'eth0');
    tool('nsenter', ...inside.slice(1), 'ip', 'link', 'set', 'eth0', 'up');
    own = await TestAgent.start({ eventWindowScale, host: ourAddress });
    own.offerOtlp();
    const subject = { ...networkSubject, env: { LOAD_HOST: ourAddress, LOAD_PORT: '9' } };
    await prove(subject, new Process(subject, own, inside), own);
  } finally {
    await own?.close();
    // The interface goes with the namespace.
    holder.stdin?.end();
  }
});

function namespaceOf(pid: number | undefined): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

/** Where files are on a disk: the kernel counts no bytes for those in memory. */
function diskFolder(): string | null {
  const inMemory = 0x01021994;
  return [tmpdir(), repositoryRoot].find((folder) => statfsSync(folder).type !== inMemory) ?? null;
}

const noDisk = !isLinux || diskFolder() === null ? 'bytes on a disk: Linux only, in a folder that is on one' : false;
test(`${diskSubject.event} opens under its load alone and closes when that is over`, {
  ...limits,
  skip: noDisk,
}, () => {
  const subject = { ...diskSubject, env: { LOAD_FOLDER: diskFolder() ?? '' } };
  return prove(subject, new Process(subject, agent), agent);
});
