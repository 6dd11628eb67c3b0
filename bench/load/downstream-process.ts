// The downstream server that the applications call.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from '../child-process.js';

answerParent(() => null);
const server = createServer((_request, response) => response.end('seven'));
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // a listening TCP server has this form
  process.stdout.write(`listening ${port}\n`);
});
