// What the agent prints: alerts, traces and processes; alerts also by request and in the stream.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import type { Alert } from '../../../../src/devtools/alerts/alert-evaluator.js';
import { startTerminalAgent } from '../../../../src/devtools/terminal/agent-command.js';
import { waitUntil } from '../../../support/agent/wait-until.js';
import { gauge, metricsDocument, serverSpan, traceId, tracesDocument } from '../otlp-documents.js';
import { announce, ask } from '../support.js';

const cpu = 'process.runtime.nodejs.cpu.utilization';
const shop = { 'service.name': 'shop\u001b[31m', 'service.instance.id': 'web-1:4711', 'process.pid': 4711 };
const idle = { ...shop, 'service.instance.id': 'web-1:4712', 'process.pid': 4712 };

test('shows an alert by request, in the stream and in one line each', { timeout: 30_000 }, async () => {
  let printed = '';
  const { agent, close } = await startTerminalAgent({
    port: 0,
    eventWindowScale: 0.005,
    write: (text) => {
      printed += text;
    },
  });
  let streamed = '';
  const stream = request({ host: '127.0.0.1', port: agent.port, path: '/api/stream', agent: false });
  stream.once('response', (response) =>
    response.setEncoding('utf8').on('data', (text) => {
      streamed += text;
    }),
  );
  stream.on('error', () => {}); // The agent ends it in the end.
  stream.end();
  await waitUntil(() => streamed.includes('retry'), 'the stream', 5000);
  const report = async (value: number) => {
    await ask(agent, 'POST', '/v1/metrics', metricsDocument(shop, [gauge(cpu, value)]));
    await ask(agent, 'POST', '/v1/metrics', metricsDocument(idle, [gauge(cpu, 0.1)]));
  };
  const events = async () => (await ask(agent, 'GET', '/api/events')).json as Alert[];
  assert.deepEqual(await events(), []);
  const isOpen = async () => {
    await report(0.97);
    return (await events()).length > 0;
  };
  await waitUntil(isOpen, 'an alert');
  const [opened, ...others] = await events();
  assert.deepEqual(others, []);
  const { name, state, severity, pid, instanceId, closedMs, thresholds } = opened ?? {};
  assert.deepEqual(
    [name, state, severity, pid, instanceId, closedMs, thresholds],
    ['High CPU Utilization in Node.js Application', 'open', 'critical', 4711, 'web-1:4711', null, { [cpu]: 0.8 }],
  );
  // Nothing comes any more, and the agent notices by itself.
  await waitUntil(() => agent.stores.alerts.alerts()[0]?.state === 'closed', 'the end of the event', 5000);
  const [closed] = await events();
  assert.ok(Number(closed?.closedMs) - Number(closed?.openedMs) > 1400, 'the window still had values in it');
  await waitUntil(() => streamed.includes('"state":"closed"'), 'the event in the stream', 5000);
  assert.match(streamed, /event: event\ndata: \{"id":1,"name":"High CPU Utilization in Node\.js Application"/);
  assert.match(streamed, /event: process\ndata: \{"pid":4711,/);
  const lines = printed.split('\n').filter((line) => line.includes('event'));
  assert.match(
    lines[0] ?? '',
    /^critical event opened: High CPU Utilization in Node\.js Application: process 4711 \(shop\\u\{1b\}\[31m\): \S+cpu\.utilization 97 % > 80 %$/,
  );
  assert.match(lines[1] ?? '', /^event closed: High CPU .*: process 4711 .*: after [\d.]+ s$/);
  assert.equal(lines.length, 2);
  assert.match(printed, /^process 4711 \(shop\\u\{1b\}\[31m\) reports over OTLP$/m);
  stream.destroy();
  await close();
});

test('prints a trace that came by OTLP, and no line for an announced process', { timeout: 20_000 }, async () => {
  let printed = '';
  const { agent, close } = await startTerminalAgent({
    port: 0,
    write: (text) => {
      printed += text;
    },
  });
  await announce(agent, 4711);
  const storefront = { ...shop, 'service.name': 'storefront' };
  const failed = serverSpan({ status: { code: 2, message: 'no ledger' } }, { 'http.response.status_code': 500 });
  await ask(agent, 'POST', '/v1/traces', tracesDocument(storefront, [failed]));
  await waitUntil(() => printed.includes('/orders/'), 'the trace', 5000);
  assert.match(printed, new RegExp(`storefront {2}GET /orders/:id +500 +34 ms +no ledger +${traceId.slice(16)}`));
  assert.doesNotMatch(printed, /reports over OTLP/);
  await close();
});
