// By what the agent recognises a process: files of the kernel, made up by the tests, and a real socket.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { describeProcess } from '../../../src/agent/process-identity.js';

interface ProcFolder {
  readonly root: string;
  write(name: string, text: string): void;
  /** Makes a descriptor a link to `target`. */
  link(descriptor: number, target: string): void;
}

/** A procfs with a folder for this process. */
function makeProc(t: TestContext): ProcFolder {
  const root = mkdtempSync(join(tmpdir(), 'identity-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const own = join(root, String(process.pid));
  mkdirSync(join(own, 'fd'), { recursive: true });
  return {
    root,
    write: (name, text) => writeFileSync(join(own, name), text),
    link: (descriptor, target) => symlinkSync(target, join(own, 'fd', String(descriptor))),
  };
}

/** A socket that is as connected as its handle says. */
const socketWith = (handle: unknown): Socket => Object.assign(new Socket(), { _handle: handle });
const unconnected = (): Socket => socketWith(null);

test('is the pid alone where there is no procfs and no socket', () => {
  assert.deepEqual(describeProcess('/nonexistent', unconnected(), undefined), {
    pid: process.pid,
    pidFromParentNS: false,
  });
});

test('has the pid of the parent namespace when the kernel shows it', (t) => {
  const proc = makeProc(t);
  const describe = () => describeProcess(proc.root, unconnected(), undefined);
  for (const [sched, pid] of [
    ['node (98765, #threads: 11)\n---\n', 98_765],
    [`node (${process.pid}, #threads: 11)\n`, process.pid],
    ['node (0, #threads: 11)\n', process.pid],
    ['node\n', process.pid],
    ['', process.pid],
  ] as const) {
    proc.write('sched', sched);
    assert.deepEqual(describe(), { pid, pidFromParentNS: pid !== process.pid }, sched);
  }
});

test('has the command line, its secrets redacted', (t) => {
  const proc = makeProc(t);
  proc.write('cmdline', '/usr/bin/node\0app.js\0--db-password=hunter2\0--token=m\0\0');
  const { name, args } = describeProcess(proc.root, unconnected(), (word) => word === 'token');
  assert.equal(name, '/usr/bin/node');
  assert.deepEqual(args, ['app.js', '--db-password=<redacted>', '--token=<redacted>', '']);
  proc.write('cmdline', '');
  assert.equal('name' in describeProcess(proc.root, unconnected(), undefined), false);
});

test('has the control group, unless it is too long', (t) => {
  const proc = makeProc(t);
  const cpuSet = (): unknown => describeProcess(proc.root, unconnected(), undefined).cpuSetFileContent;
  proc.write('cpuset', '/docker/0123456789abcdef\n');
  assert.equal(cpuSet(), '/docker/0123456789abcdef\n');
  proc.write('cpuset', 'x'.repeat(1999));
  assert.equal(cpuSet(), 'x'.repeat(1999));
  proc.write('cpuset', 'x'.repeat(2000));
  assert.equal(cpuSet(), undefined);
});

test('has descriptor and inode of the socket, whatever form the link has', (t) => {
  const proc = makeProc(t);
  proc.link(21, 'socket:[4711]');
  proc.link(22, '/proc/1/fd/socket:[4712]');
  const describe = (handle: unknown) => {
    const { fd, inode } = describeProcess(proc.root, socketWith(handle), undefined);
    return { fd, inode };
  };
  assert.deepEqual(describe({ fd: 21 }), { fd: '21', inode: 'socket:[4711]' });
  assert.deepEqual(describe({ fd: 22 }), { fd: '22', inode: 'socket:[4712]' });
  assert.deepEqual(describe({ fd: 23 }), { fd: '23', inode: undefined });
  for (const handle of [null, {}, { fd: -1 }, { fd: '21' }])
    assert.deepEqual(describe(handle), { fd: undefined, inode: undefined });
});

test('finds the inode of a real connection on Linux', {
  skip: process.platform === 'linux' ? false : 'no /proc here',
}, async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number }; // a listening TCP server has this form
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const { pid, fd, inode, args } = describeProcess('/proc', socket, undefined);
  assert.ok(pid > 0 && args !== undefined);
  assert.match(fd ?? '', /^\d+$/);
  assert.match(inode ?? '', /^socket:\[\d+\]$/);
});
