// Posts to the endpoint of the environment as often as its argument says, and prints what became of it.

import { readOtlpSettings } from '../../../src/config/otlp-endpoints.js';
import { OtlpClient } from '../../../src/otlp/otlp-client.js';

async function main(): Promise<void> {
  const settings = readOtlpSettings(process.env, 'traces', null, (message) => process.stderr.write(`${message}\n`));
  const client = new OtlpClient(settings.url ?? '', settings);
  const outcomes: unknown[] = [];
  // Nothing of the client keeps the process alive.
  const alive = setInterval(() => {}, 1000);
  for (let round = 0; round < Number(process.argv[2]); round++) outcomes.push(await client.post(`{"round":${round}}`));
  clearInterval(alive);
  process.stdout.write(JSON.stringify(outcomes));
}

void main();
