// Runs a sample service for a test, without a sensor.
import { join } from 'node:path';
import { DemoService } from '../../../../src/devtools/demo/service.js';

/** Starts the service, and stops it after `use`. */
export async function withService(
  name: 'inventory' | 'storefront',
  env: Readonly<Record<string, string>>,
  use: (service: { readonly port: number }, framework: string) => Promise<void>,
): Promise<void> {
  const service = new DemoService({
    name,
    script: join(__dirname, '../../../../src/devtools/demo', `${name}.js`),
    preload: 'node:path', // any module will do
    agentPort: 1,
    env,
  });
  try {
    await service.started();
    await use({ port: Number(new URL(service.url).port) }, service.framework);
  } finally {
    await service.stop();
  }
}
