// The resource of OTLP, which describes the sender: service, sensor, process and host.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Redactor } from '../redaction/redactor.js';

export interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

/** All that is known at the moment; the agent's part only after its response. */
export interface ResourceInput {
  readonly env: NodeJS.ProcessEnv;
  /** The options of these names. */
  readonly serviceName: string | null;
  readonly serviceInstanceId: string | null;
  /** Name in the application's package.json. */
  readonly packageName: string | null;
  readonly sensorVersion: string;
  /** As the agent knows it, else the process's own. */
  readonly pid: number;
  readonly agentUuid: string | null;
  readonly secrets: Redactor;
  readonly warn: (message: string) => void;
  /** Below it `etc/machine-id` is looked for. */
  readonly root?: string;
}

const variable = 'OTEL_RESOURCE_ATTRIBUTES';
const maxTextLength = 1024;
const maxAttributes = 64;

/** The attributes of the resource; those of `OTEL_RESOURCE_ATTRIBUTES` last, except keys that the sensor sets itself. Never throws. */
export function otlpResource(input: ResourceInput): OtlpAttribute[] {
  const fromEnv = readEnvAttributes(input);
  const known: Record<string, string | number | null> = {
    'service.name':
      input.serviceName ??
      filled(input.env['OTEL_SERVICE_NAME']) ??
      fromEnv.get('service.name') ??
      input.packageName ??
      'unknown_service:node',
    'service.instance.id':
      input.serviceInstanceId ?? fromEnv.get('service.instance.id') ?? `${hostname()}:${process.pid}`,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'instana-ts-sensor',
    'telemetry.sdk.version': input.sensorVersion,
    'process.pid': input.pid,
    'instana.host.id': input.agentUuid,
    'host.name': fromEnv.get('host.name') ?? hostname(),
    'host.id': fromEnv.get('host.id') ?? readMachineId(input.root ?? '/'),
  };
  const attributes: OtlpAttribute[] = [];
  for (const [key, value] of Object.entries(known)) if (value !== null) attributes.push(attribute(key, value));
  for (const [key, value] of fromEnv) {
    if (Object.hasOwn(known, key)) continue;
    attributes.push(
      attribute(key, input.secrets.isSecretTag(key) ? '<redacted>' : input.secrets.redactTag(key, value)),
    );
  }
  return attributes;
}

function attribute(key: string, value: string | number): OtlpAttribute {
  if (typeof value === 'number') return { key, value: { intValue: String(value) } };
  return { key, value: { stringValue: value.slice(0, maxTextLength) } };
}

/** `key=value,key=value`, percent-encoded (https://opentelemetry.io/docs/specs/otel/resource/sdk/). */
function readEnvAttributes({ env, warn }: ResourceInput): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [index, pair] of (env[variable] ?? '').split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(pair.slice(0, Math.max(0, equals)).trim());
    const value = decode(pair.slice(equals + 1).trim());
    if (key === null || value === null || key === '' || key.length > maxTextLength || attributes.size >= maxAttributes)
      warn(`${variable}: entry ${index + 1} cannot be used, expected key=value,key=value; it is left out`);
    else if (value !== '') attributes.set(key, value);
  }
  return attributes;
}

/** The id of the host for systemd and D-Bus; null where there is none. */
function readMachineId(root: string): string | null {
  for (const file of ['etc/machine-id', 'var/lib/dbus/machine-id']) {
    try {
      const id = readFileSync(`${root}${root.endsWith('/') ? '' : '/'}${file}`, 'utf8').trim();
      if (/^[\da-f]{32}$/.test(id)) return id;
    } catch {
      // Not everywhere.
    }
  }
  return null;
}

function filled(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text.trim();
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
