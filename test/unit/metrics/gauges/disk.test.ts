// Bytes from and to disks: those of the process and those of its host.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HostDiskGauge, ProcessDiskGauge } from '../../../../src/metrics/gauges/disk.js';
import { diskFile, machines, makeMachine } from '../machines.js';
import { byName, numberIn, numbersIn, sampleAfter, usageOf } from '../sources.js';

const processTotal = 'process.runtime.nodejs.disk_io';
const hostTotal = 'system.disk.io';

test('reads the bytes of the process from its sectors, and their rate since the last reading', () => {
  const gauge = new ProcessDiskGauge(usageOf({ fsRead: 10, fsWrite: 20 }));
  const first = byName(gauge.read(sampleAfter(2, { fsRead: 110, fsWrite: 320 })));
  assert.deepEqual(numbersIn(first, processTotal), { read: 110 * 512, write: 320 * 512 });
  assert.equal(numberIn(first, `${processTotal}.rate`), 200 * 512);
  const second = byName(gauge.read(sampleAfter(10, { fsRead: 110, fsWrite: 320 })));
  assert.equal(numberIn(second, `${processTotal}.rate`), 0);
});

test('counts bytes of the host from the start of the observation, whole disks only', (t) => {
  const machine = makeMachine(t, {
    ...machines['Linux host'],
    blockDevices: ['loop0', 'sda', 'nvme0n1', 'md0', 'dm-0', 'cciss!c0d0'],
  });
  machine.write(
    'diskstats',
    diskFile({ sda: [1000, 2000], sda1: [1000, 2000], nvme0n1: [5, 5], 'cciss/c0d0': [7, 7] }),
  );
  const gauge = new HostDiskGauge(machine);
  const first = byName(gauge.read());
  assert.deepEqual(numbersIn(first, hostTotal), { read: 0, write: 0 });
  assert.equal(first.get(hostTotal)?.isSinceStart, true);
  machine.write(
    'diskstats',
    diskFile({
      loop0: [50, 50],
      ram0: [50, 50],
      zram0: [50, 50],
      'dm-0': [50, 50],
      md0: [50, 50],
      sda: [1001, 2010],
      sda1: [1001, 2010],
      nvme0n1: [7, 5],
      'cciss/c0d0': [11, 7],
    }),
  );
  assert.deepEqual(numbersIn(byName(gauge.read()), hostTotal), { read: 7 * 512, write: 10 * 512 });
});

test('ignores lines of the host that have no numbers', (t) => {
  const machine = makeMachine(t, machines['Linux host']);
  const gauge = new HostDiskGauge(machine);
  machine.write('diskstats', `\nnonsense\n 8 0 sda x x x x x x x\n${diskFile({ sda: [1001, 2001] })}`);
  assert.deepEqual(numbersIn(byName(gauge.read()), hostTotal), { read: 512, write: 512 });
});

test('has no reading of a host whose disks cannot be known', (t) => {
  for (const name of ['sandbox without /proc', 'macOS', 'container without a limit, cgroup v2'] as const)
    assert.deepEqual(new HostDiskGauge(makeMachine(t, machines[name])).read(), [], name);
});
