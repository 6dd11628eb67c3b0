// Ways to run an application: without a tracer, with the sensor, with another tracer.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './child-process.js';
import type { Protocol } from './receivers/receiver.js';

export interface Variant {
  readonly name: string;
  /** The protocol of its receiver; null for a variant without one. */
  readonly protocol: Protocol | null;
  /** Arguments of Node.js that load the tracer. */
  readonly preload: readonly string[];
  /** Its environment for a receiver at this port. */
  env(port: number): Readonly<Record<string, string>>;
  /** Extra header lines of each request. */
  readonly head: string;
  /** Whether requests make spans. */
  readonly makesSpans: boolean;
}

const withoutTracer: Variant = {
  name: 'bare',
  protocol: null,
  preload: [],
  env: () => ({}),
  head: '',
  makesSpans: false,
};
const instanaEnv = (port: number): Record<string, string> => ({
  INSTANA_AGENT_HOST: '127.0.0.1',
  INSTANA_AGENT_PORT: String(port),
  INSTANA_LOG_LEVEL: 'off',
  TRACED: '1',
});

export const bare: Variant = withoutTracer;
/** The bare application a second time: its difference to the first is noise. */
export const bareAgain: Variant = { ...withoutTracer, name: 'bare again' };
export const floor: Variant = {
  ...withoutTracer,
  name: 'floor',
  protocol: 'instana',
  preload: ['-r', join(repositoryRoot, 'bench/apps/floor.cjs')],
  env: instanaEnv,
  makesSpans: true,
};
/** What Node.js itself costs with a context per request. */
export const contextOnly: Variant = {
  ...withoutTracer,
  name: 'context alone',
  preload: ['-r', join(repositoryRoot, 'bench/apps/context.cjs')],
};
export const sensor: Variant = {
  ...floor,
  name: 'sensor',
  preload: ['-r', join(repositoryRoot, 'build/src/bootstrap.js')],
};
export const sensorByImport: Variant = {
  ...sensor,
  name: 'sensor, --import',
  preload: ['--import', pathToFileURL(join(repositoryRoot, 'build/src/register.mjs')).href],
};
export const suppressed: Variant = {
  ...sensor,
  name: 'sensor, suppressed',
  head: 'X-INSTANA-L: 0\r\n',
  makesSpans: false,
};
/** The sensor with further environment variables. */
export function sensorWith(name: string, settings: Readonly<Record<string, string>>, makesSpans: boolean): Variant {
  return { ...sensor, name: `sensor, ${name}`, env: (port) => ({ ...instanaEnv(port), ...settings }), makesSpans };
}
/** The receiver accepts OTLP on the same port. */
export const sensorWithOtlpMetrics: Variant = {
  ...sensor,
  name: 'sensor, OTLP',
  env: (port) => ({ ...instanaEnv(port), OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }),
};
/** Nothing listens on this port. */
export const closedPort = 9;
export const agentDown: Variant = {
  ...sensor,
  name: 'sensor, agent down',
  protocol: null,
  env: () => instanaEnv(closedPort),
};
export const runtimeOnly: Variant = sensorWith('runtime', { INSTANA_BOOTSTRAP: 'runtime' }, false);

/** Another tracer, loaded by a preload in bench/peers. */
export interface Peer extends Variant {
  readonly packageName: string;
}

function peer(packageName: string, file: string, protocol: Protocol, env: Variant['env']): Peer {
  const preload = ['-r', join(repositoryRoot, 'bench/peers', file)];
  return {
    ...floor,
    name: packageName.replace(/^@opentelemetry.*/, 'opentelemetry'),
    packageName,
    protocol,
    preload,
    env,
  };
}

/** All of them record every request. Their features other than tracing are switched off. */
export const peers: readonly Peer[] = [
  peer('@instana/collector', 'collector.cjs', 'instana', (port) => ({
    INSTANA_AGENT_HOST: '127.0.0.1',
    INSTANA_AGENT_PORT: String(port),
    INSTANA_LOG_LEVEL: 'error',
  })),
  peer('dd-trace', 'datadog.cjs', 'datadog', (port) => ({
    DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}`,
    DD_TRACE_SAMPLE_RATE: '1',
    DD_TRACE_RATE_LIMIT: '-1',
    DD_TRACE_STARTUP_LOGS: 'false',
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  })),
  peer('@opentelemetry/sdk-trace-node', 'opentelemetry.cjs', 'otlp', (port) => ({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/v1/traces`,
    OTEL_SERVICE_NAME: 'bench',
  })),
  peer('elastic-apm-node', 'elastic.cjs', 'elastic', (port) => ({
    ELASTIC_APM_SERVER_URL: `http://127.0.0.1:${port}`,
    ELASTIC_APM_CENTRAL_CONFIG: 'false',
    ELASTIC_APM_CLOUD_PROVIDER: 'none',
    ELASTIC_APM_LOG_LEVEL: 'off',
    ELASTIC_APM_TRANSACTION_SAMPLE_RATE: '1',
  })),
];

/** The folder in which the peers are installed. */
export const peersFolder: string = join(repositoryRoot, 'bench/peers/node_modules');

/** Whether the peers can run; if not, `howToInstall` has the command. */
export function arePeersInstalled(): boolean {
  return peers.every(({ packageName }) => existsSync(join(peersFolder, packageName, 'package.json')));
}
export const howToInstall = 'the peers are not installed: npm ci --ignore-scripts --prefix bench/peers';
