import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Configuration } from '../../../src/config/configuration.js';
import type { IgnoreEndpoints } from '../../../src/config/ignore-endpoints.js';

const rules: IgnoreEndpoints = { http: [{ methods: ['file'] }] };

class Case {
  readonly warnings: string[] = [];
  readonly paths: string[] = [];
  readonly configuration: Configuration = new Configuration({
    warn: (message) => this.warnings.push(message),
    loadIgnoreFile: () => ({
      readIgnoreFile: (path) => {
        this.paths.push(path);
        return rules;
      },
    }),
  });
}

describe('the configuration in force', () => {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = process.env;
    process.env = {};
  });
  afterEach(() => {
    process.env = before;
  });

  it('follows code and agent, and remembers both', () => {
    const { configuration, warnings } = new Case();
    const { current } = configuration;
    assert.equal(current().tracing.stackTraceLength, 10);
    configuration.followAgent({ tracing: { global: { 'stack-trace-length': 3 }, 'extra-http-headers': ['x-a'] } });
    assert.equal(current().tracing.stackTraceLength, 3);
    configuration.configure({ tracing: { stackTraceLength: 5 } });
    configuration.configure({ serviceName: 'shop' });
    assert.equal(current().tracing.stackTraceLength, 5);
    assert.deepEqual(current().tracing.extraHttpHeaders, ['x-a']);
    assert.equal(current().serviceName, 'shop');
    assert.deepEqual(warnings, []);
  });

  it('reads the environment as it is at each change, also one that the application has replaced', () => {
    const { configuration } = new Case();
    process.env = { INSTANA_SERVICE_NAME: 'late' };
    assert.equal(configuration.current().serviceName, null);
    configuration.configure({});
    assert.equal(configuration.current().serviceName, 'late');
  });

  it('loads the reader of the file of ignored endpoints only when a file is named', () => {
    assert.deepEqual(new Case().paths, []);
    process.env['INSTANA_IGNORE_ENDPOINTS_PATH'] = '';
    assert.deepEqual(new Case().paths, []);
    process.env['INSTANA_IGNORE_ENDPOINTS_PATH'] = '/etc/ignore.yaml';
    const { configuration, paths } = new Case();
    configuration.configure({ tracing: { ignoreEndpoints: { http: ['code'] } } });
    assert.deepEqual(configuration.current().tracing.ignoreEndpoints, rules);
    assert.deepEqual(paths, ['/etc/ignore.yaml']);
  });

  it('takes a logger that has the four methods, and no other', () => {
    const { configuration, warnings } = new Case();
    assert.equal(configuration.logger(), undefined);
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    configuration.configure({ logger });
    assert.equal(configuration.logger(), logger);
    assert.deepEqual(warnings, []);
    const throwing = new Proxy(logger, {
      get: () => {
        throw new Error('trap');
      },
    });
    for (const wrong of [{ ...logger, warn: 7 }, {}, 'text', throwing]) {
      configuration.configure({ logger: wrong });
      assert.equal(configuration.logger(), undefined);
      assert.equal(
        warnings.splice(0).join(),
        'option logger has not all of debug, info, warn and error; it is ignored',
      );
    }
  });

  it('shows the presets from when they are chosen', () => {
    process.env['INSTANA_BOOTSTRAP'] = 'koa,nonsense';
    const { configuration, warnings } = new Case();
    assert.deepEqual(configuration.presets(), []);
    assert.deepEqual([...configuration.choosePresets().instrumentations], ['http', 'koa']);
    assert.deepEqual(configuration.presets(), ['koa']);
    assert.match(warnings.join(), /INSTANA_BOOTSTRAP has the unknown word "nonsense"/);
  });

  it('says whether metrics go out as OTLP, by option, agent and environment', () => {
    const { configuration } = new Case();
    assert.equal(configuration.otlpMetricsMode(), 'no');
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:4318';
    assert.equal(configuration.otlpMetricsMode(), 'if-configured');
    configuration.followAgent({ tracing: { otlp: { enabled: true } } });
    assert.equal(configuration.otlpMetricsMode(), 'yes');
    configuration.configure({ metrics: { otlp: { enabled: false } } });
    assert.equal(configuration.otlpMetricsMode(), 'no');
  });
});
