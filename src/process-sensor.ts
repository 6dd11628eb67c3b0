// The one sensor of this process, and whether it may start.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Log } from './core/log.js';
import { Sensor } from './sensor.js';

const version: string = readVersion();
const sensorKey = Symbol.for('@instana/ts-sensor');
/** The official sensor's mark; two sensors in one process would announce one pid twice. */
const initializedMark = '__INSTANA_INITIALIZED';

/** The sensor of this process, made by the copy of the package that was loaded first. */
export function sensor(): Sensor {
  const existing: unknown = Reflect.get(globalThis, sensorKey);
  if (existing !== undefined) {
    const first = existing as Sensor; // put there below, by this or another copy of the package
    if (first.version !== version) {
      first.log.warnOnce(
        'two versions',
        `ts-sensor ${version} was loaded beside ${first.version}; version ${first.version} stays in charge`,
      );
    }
    return first;
  }
  const created = new Sensor(version, claimProcess);
  Object.defineProperty(globalThis, sensorKey, { value: created });
  return created;
}

/** What the preload does: starts the sensor. Null when that failed; never throws. */
export function startSensor(): Sensor | null {
  try {
    const own = sensor();
    own.start();
    return own;
  } catch (error) {
    new Log('info').error(`the sensor could not start, the application runs without it: ${String(error)}`);
    return null;
  }
}

function readVersion(): string {
  try {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
    return version;
  } catch {
    return '0.0.0';
  }
}

/** False when the official sensor was here first; else leaves the mark for it. */
function claimProcess(): boolean {
  const mark: unknown = Reflect.get(globalThis, initializedMark);
  if (mark === true) return false;
  if (mark === undefined)
    Object.defineProperty(globalThis, initializedMark, { value: true, configurable: true, writable: true });
  return true;
}
