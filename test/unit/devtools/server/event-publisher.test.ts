// What clients of the event stream and the listener learn.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { LocalAgent } from '../../../../src/devtools/server/local-agent.js';
import { TestAgent } from '../../../support/agent/test-agent.js';
import { waitUntil } from '../../../support/agent/wait-until.js';
import { metricsDocument } from '../otlp-documents.js';
import { announce, ask, idOf, sendSpans, twoServiceTrace } from '../support.js';

let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
});
afterEach(() => agent.close());

test('streams traces, processes and metrics as they come', { timeout: 20_000 }, async () => {
  const stream = request({ host: '127.0.0.1', port: agent.port, path: '/api/stream', agent: false });
  let text = '';
  stream.once('response', (response) => {
    assert.match(String(response.headers['content-type']), /^text\/event-stream/);
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
  });
  stream.on('error', () => {}); // The agent ends it in the end.
  stream.end();
  await waitUntil(() => text.includes('retry'), 'the stream', 5000);
  await announce(agent, 60);
  await ask(agent, 'POST', '/com.instana.plugin.nodejs.60', { pid: 60, memory: { rss: 1 } });
  await sendSpans(agent, 60, twoServiceTrace(idOf(5), 60)[0]);
  const isComplete = () => ['trace', 'process', 'metrics'].every((name) => text.includes(`event: ${name}\n`));
  await waitUntil(isComplete, 'three events', 5000);
  const trace = /event: trace\ndata: (.*)\n/.exec(text)?.[1];
  assert.equal(JSON.parse(trace ?? '').name, 'GET /orders/:id');
  stream.destroy();
});

test('passes announces, traces and instances to the listener, but no instance of an announced process', async () => {
  const heard: string[] = [];
  const own = await LocalAgent.start({
    listener: {
      processAnnounced: (pid) => heard.push(`announced ${pid}`),
      tracesReceived: (traces) => heard.push(`traces ${traces.size}`),
      instanceAppeared: ({ pid }) => heard.push(`appeared ${pid}`),
    },
  });
  await announce(own, 70);
  await sendSpans(own, 70, twoServiceTrace(idOf(5), 70)[0]);
  await ask(own, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 70 }, []));
  await ask(own, 'POST', '/v1/metrics', metricsDocument({ 'process.pid': 71 }, []));
  await own.close();
  assert.deepEqual(heard, ['announced 70', 'traces 1', 'appeared 71']);
});
