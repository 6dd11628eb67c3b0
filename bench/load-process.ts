// The load generator in a process of its own, so that its cost is nobody else's.
import { sendLoad } from '../test/load/client.js';

interface Order {
  readonly port: number;
  readonly path: string;
  readonly requests: number;
}

process.on('message', ({ port, path, requests }: Order) => {
  void sendLoad(port, path, requests).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ answered: 0, wrong: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
