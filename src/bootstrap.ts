// For `node -r`: starts the sensor. This file has to parse on Node.js 12, where it writes one line and does nothing else.
import type { Sensor } from './sensor.js';

const oldestMajor = 20;

/** Package managers and their scripts are not the application. */
const packageManagers = [
  'npm',
  'npx',
  'npm-cli',
  'npx-cli',
  'npm-prefix',
  'yarn',
  'yarnpkg',
  'pnpm',
  'pnpx',
  'corepack',
];

function isPackageManager(script: string | undefined): boolean {
  if (typeof script !== 'string') return false;
  const file = script.split(/[\\/]/).pop() || '';
  // A repository may bring its own, named with the version: `.yarn/releases/yarn-4.5.0.cjs`.
  return packageManagers.indexOf(file.replace(/(-\d[\w.-]*)?\.[cm]?js$/, '')) >= 0;
}

function start(): Sensor | null {
  if (parseInt(process.versions.node, 10) < oldestMajor) {
    process.stderr.write(
      '[ts-sensor] warn: Node.js ' +
        process.versions.node +
        ' is not supported, ' +
        oldestMajor +
        ' or newer is needed; nothing is traced\n',
    );
    return null;
  }
  if (isPackageManager(process.argv[1])) return null;
  return (require('./process-sensor.js') as typeof import('./process-sensor.js')).startSensor();
}

/** The sensor that was started; null when the process is left alone. */
export const started: Sensor | null = start();
