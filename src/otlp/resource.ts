// What OTLP says of the process that sends: service, sensor, process and host.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Secrets } from '../redaction/redactor.js';

export interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

/** What is known at the moment; the agent's part only after its answer. */
export interface ResourceFacts {
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
  readonly secrets: Secrets;
  readonly warn: (message: string) => void;
  /** Below it `etc/machine-id` is looked for. */
  readonly root?: string;
}

const variable = 'OTEL_RESOURCE_ATTRIBUTES';
const longestText = 1024;
const mostAttributes = 64;

/** The attributes of the resource; those of `OTEL_RESOURCE_ATTRIBUTES` last, but for what is known better. Never throws. */
export function otlpResource(facts: ResourceFacts): OtlpAttribute[] {
  const given = readGiven(facts);
  const own: Record<string, string | number | null> = {
    'service.name':
      facts.serviceName ??
      filled(facts.env['OTEL_SERVICE_NAME']) ??
      given.get('service.name') ??
      facts.packageName ??
      'unknown_service:node',
    'service.instance.id':
      facts.serviceInstanceId ?? given.get('service.instance.id') ?? `${hostname()}:${process.pid}`,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'instana-ts-sensor',
    'telemetry.sdk.version': facts.sensorVersion,
    'process.pid': facts.pid,
    'instana.host.id': facts.agentUuid,
    'host.name': given.get('host.name') ?? hostname(),
    'host.id': given.get('host.id') ?? readMachineId(facts.root ?? '/'),
  };
  const attributes: OtlpAttribute[] = [];
  for (const [key, value] of Object.entries(own)) if (value !== null) attributes.push(attribute(key, value));
  for (const [key, value] of given) {
    if (Object.hasOwn(own, key)) continue;
    attributes.push(
      attribute(key, facts.secrets.isSecretTag(key) ? '<redacted>' : facts.secrets.redactTag(key, value)),
    );
  }
  return attributes;
}

function attribute(key: string, value: string | number): OtlpAttribute {
  if (typeof value === 'number') return { key, value: { intValue: String(value) } };
  return { key, value: { stringValue: value.slice(0, longestText) } };
}

/** `key=value,key=value`, percent-encoded (https://opentelemetry.io/docs/specs/otel/resource/sdk/). */
function readGiven({ env, warn }: ResourceFacts): Map<string, string> {
  const given = new Map<string, string>();
  for (const [index, pair] of (env[variable] ?? '').split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(pair.slice(0, Math.max(0, equals)).trim());
    const value = decode(pair.slice(equals + 1).trim());
    if (key === null || value === null || key === '' || key.length > longestText || given.size >= mostAttributes)
      warn(`${variable}: entry ${index + 1} cannot be used, expected key=value,key=value; it is left out`);
    else if (value !== '') given.set(key, value);
  }
  return given;
}

/** What systemd and D-Bus call the host by; null where there is none. */
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
