import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { otlpResource, type ResourceInput } from '../../../src/otlp/resource.js';
import { Redactor } from '../../../src/redaction/redactor.js';

const root = mkdtempSync(join(tmpdir(), 'ts-sensor-resource-'));
after(() => rmSync(root, { recursive: true, force: true }));

function resource(given: Partial<ResourceInput> = {}): Record<string, unknown> & { warnings: string[] } {
  const warnings: string[] = [];
  const attributes = otlpResource({
    env: {},
    serviceName: null,
    serviceInstanceId: null,
    packageName: null,
    sensorVersion: '1.2.3',
    pid: 42,
    agentUuid: null,
    secrets: new Redactor({ matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] }),
    warn: (message) => warnings.push(message),
    root,
    ...given,
  });
  const entries = attributes.map(({ key, value }) => [key, 'intValue' in value ? value : value.stringValue] as const);
  assert.equal(new Set(entries.map(([key]) => key)).size, entries.length, 'no key twice');
  return { ...Object.fromEntries(entries), warnings };
}

describe('the resource', () => {
  it('says which sensor, process and host it is', () => {
    assert.deepEqual(resource(), {
      'service.name': 'unknown_service:node',
      'service.instance.id': `${hostname()}:${process.pid}`,
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'instana-ts-sensor',
      'telemetry.sdk.version': '1.2.3',
      'process.pid': { intValue: '42' },
      'host.name': hostname(),
      warnings: [],
    });
    assert.equal(resource({ agentUuid: 'ab:cd' })['instana.host.id'], 'ab:cd');
  });

  it('takes the name of the service from the first place that has one', () => {
    const OTEL_RESOURCE_ATTRIBUTES = 'service.name=from%20attributes';
    const name = (given: Partial<ResourceInput>): unknown => resource(given)['service.name'];
    const env = { OTEL_SERVICE_NAME: 'from variable', OTEL_RESOURCE_ATTRIBUTES };
    assert.equal(name({ env, serviceName: 'from option', packageName: 'from package' }), 'from option');
    assert.equal(name({ env, packageName: 'from package' }), 'from variable');
    assert.equal(name({ env: { OTEL_RESOURCE_ATTRIBUTES }, packageName: 'from package' }), 'from attributes');
    assert.equal(name({ packageName: 'from package' }), 'from package');
  });

  it('takes the name of the instance from the option, then from the variable', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1' };
    assert.equal(resource({ env })['service.instance.id'], 'pod-1');
    assert.equal(resource({ env, serviceInstanceId: 'shop-1' })['service.instance.id'], 'shop-1');
  });

  it('adds what else the variable says, but for what is known better, and without secrets', () => {
    const pairs = [
      'deployment.environment.name=a%2Cb',
      'host.id=h-1',
      'host.name=h',
      'process.pid=1',
      'telemetry.sdk.name=other',
      'api.key=marker',
      'note=https://me:marker@host/',
      'broken',
      'x=%zz',
    ];
    const { warnings, ...attributes } = resource({ env: { OTEL_RESOURCE_ATTRIBUTES: pairs.join(',') } });
    assert.equal(attributes['deployment.environment.name'], 'a,b');
    assert.equal(attributes['host.id'], 'h-1');
    assert.equal(attributes['host.name'], 'h');
    assert.deepEqual(attributes['process.pid'], { intValue: '42' });
    assert.equal(attributes['telemetry.sdk.name'], 'instana-ts-sensor');
    assert.equal(attributes['api.key'], '<redacted>');
    assert.doesNotMatch(JSON.stringify(attributes), /marker/);
    assert.deepEqual(
      warnings.map((warning) => /entry \d+/.exec(warning)?.[0]),
      ['entry 8', 'entry 9'],
    );
  });

  it('knows the host by the id that its system gave it', () => {
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc', 'machine-id'), '0123456789abcdef0123456789abcdef\n');
    assert.equal(resource()['host.id'], '0123456789abcdef0123456789abcdef');
    writeFileSync(join(root, 'etc', 'machine-id'), 'uninitialized\n');
    assert.equal(resource()['host.id'], undefined);
  });
});
