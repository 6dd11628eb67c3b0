// A receiver in its own process; the variable RECEIVER chooses its protocol.
import { answerParent } from '../child-process.js';
import { receiveHttp } from './http-receiver.js';
import { receiveInstana } from './instana.js';
import { datadog, elastic, otlp } from './peers.js';
import type { Protocol, Receiver } from './receiver.js';

const receivers: Readonly<Record<Protocol, () => Promise<Receiver>>> = {
  instana: receiveInstana,
  datadog: () => receiveHttp(datadog()),
  otlp: () => receiveHttp(otlp()),
  elastic: () => receiveHttp(elastic()),
};

async function main(): Promise<void> {
  const receiver = await receivers[process.env['RECEIVER'] as Protocol](); // set by the benchmark that starts this file
  answerParent(() => receiver.arrived());
  process.stdout.write(`listening ${receiver.port}\n`);
}

void main();
