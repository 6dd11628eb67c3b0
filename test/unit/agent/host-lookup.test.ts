// Where an agent may listen.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { candidates, parseGateway } from '../../../src/agent/host-lookup.js';

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
const line = (destination: string, gateway: string): string =>
  `eth0\t${destination}\t${gateway}\t0003\t0\t0\t0\t00000000\t0\t0\t0`;

test('reads the gateway of the default route, whose bytes are reversed', () => {
  assert.equal(
    parseGateway([head, line('0002A8C0', '0102A8C0'), line('00000000', '010011AC')].join('\n')),
    '172.17.0.1',
  );
  assert.equal(parseGateway(line('00000000', '0102a8c0')), '192.168.2.1');
});

test('takes the first default route that has a gateway', () => {
  const table = [head, line('00000000', '00000000'), line('00000000', '0100000A'), line('00000000', '0200000A')];
  assert.equal(parseGateway(table.join('\n')), '10.0.0.1');
});

test('knows no gateway where there is no route with one', () => {
  for (const table of [
    '',
    head,
    line('0002A8C0', '0102A8C0'),
    line('00000000', 'nonsense'),
    line('00000000', '01'),
    '\t\t',
  ])
    assert.equal(parseGateway(table), null, table);
});

test('tries this machine and then the gateway, but the configured address alone', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'host-lookup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const routeTable = join(folder, 'route');
  writeFileSync(routeTable, `${head}\n${line('00000000', '0102A8C0')}\n`);
  const config = { agentHost: '127.0.0.1', agentPort: 42699, agentHostConfigured: false };
  const local = { host: '127.0.0.1', port: 42699 };
  assert.deepEqual(candidates(config, routeTable), [local, { host: '192.168.2.1', port: 42699 }]);
  assert.deepEqual(candidates({ ...config, agentHostConfigured: true }, routeTable), [local]);
  assert.deepEqual(candidates(config, join(folder, 'absent')), [local]);
  writeFileSync(routeTable, head);
  assert.deepEqual(candidates(config, routeTable), [local]);
});
