// The file of ignored endpoints that `INSTANA_IGNORE_ENDPOINTS_PATH` names.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { type IgnoreEndpoints, ignoreEndpoints } from './ignore-endpoints.js';
import { parseSimpleYaml } from './simple-yaml.js';

const variable = 'INSTANA_IGNORE_ENDPOINTS_PATH';
const maxBytes = 65_536;
const roots = ['tracing', 'com.instana.tracing'];

/** The rules of the file, which is simple YAML or JSON; undefined, with a warning, when there are none. */
export function readIgnoreFile(path: string | undefined, warn: (message: string) => void): IgnoreEndpoints | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    if (!isAbsolute(path)) throw new Error('the path is not absolute');
    const section = sectionOf(parse(readBounded(path)));
    const unusable: string[] = [];
    const rules = typeof section === 'string' ? undefined : ignoreEndpoints(section, (what) => unusable.push(what));
    if (rules === undefined) throw new Error('there is no ignore-endpoints below tracing or com.instana.tracing');
    if (unusable.length > 0) warn(`${variable}: ${unusable.join('; ')}`);
    return rules;
  } catch (error) {
    warn(`the file of ${variable} is ignored: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Does not wait for the other end of a pipe. */
function readBounded(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile()) throw new Error('it is no file');
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    const bytes = Buffer.alloc(maxBytes);
    return bytes.toString('utf8', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function parse(text: string): unknown {
  return /^\s*\{/.test(text) ? JSON.parse(text) : parseSimpleYaml(text);
}

function sectionOf(document: unknown): unknown {
  for (const root of roots) {
    const section = member(document, root);
    if (section !== undefined) return member(section, 'ignore-endpoints');
  }
  return undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
