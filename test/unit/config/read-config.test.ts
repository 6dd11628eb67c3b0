import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { at } from '../../../src/config/nested.js';
import { type Config, options } from '../../../src/config/options.js';
import { readConfig } from '../../../src/config/read-config.js';

interface Read {
  config: Config;
  warnings: string[];
}

function read(env: NodeJS.ProcessEnv = {}, code: unknown = {}, answer?: unknown): Read {
  const warnings: string[] = [];
  return { config: readConfig(env, code, answer, (message) => warnings.push(message)), warnings };
}

describe('the configuration', () => {
  it('has the defaults of the table when nobody says anything', () => {
    const { config, warnings } = read();
    for (const option of options) assert.deepEqual(at(config, option.name), option.default, option.name);
    assert.deepEqual(warnings, []);
    assert.equal(config.agentHostConfigured, false);
    assert.equal(config.tracing.automatic, true);
  });

  it('is frozen through and through', () => {
    const { config } = read({}, { tracing: { extraHttpHeaders: ['a'] } });
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    assert.ok(frozen(config));
  });

  it('takes the environment before code, code before the agent, the agent before the default', () => {
    const env = { INSTANA_STACK_TRACE: 'none' };
    const code = { tracing: { stackTrace: 'error' } };
    const answer = { tracing: { global: { 'stack-trace': 'error', 'stack-trace-length': 3 } } };
    assert.equal(read(env, code, answer).config.tracing.stackTrace, 'none');
    assert.equal(read({}, code, { tracing: { global: { 'stack-trace': 'none' } } }).config.tracing.stackTrace, 'error');
    assert.equal(read({}, {}, answer).config.tracing.stackTrace, 'error');
    assert.equal(read({}, {}, answer).config.tracing.stackTraceLength, 3);
  });

  it('reads every option from its first environment variable', () => {
    const values: Readonly<Record<string, readonly [string, unknown]>> = {
      INSTANA_SERVICE_NAME: ['shop', 'shop'],
      INSTANA_AGENT_HOST: ['10.0.0.1', '10.0.0.1'],
      INSTANA_AGENT_PORT: ['4711', 4711],
      INSTANA_EUM_API_KEY: ['k', 'k'],
      INSTANA_PACKAGE_JSON_PATH: ['/x/package.json', '/x/package.json'],
      INSTANA_LOG_LEVEL: ['ERROR', 'error'],
      INSTANA_SECRETS: ['equals:a,b', { matcher: 'equals', keywords: ['a', 'b'] }],
      INSTANA_TRACING_ENABLED: ['false', false],
      INSTANA_EXTRA_HTTP_HEADERS: ['X-A;x-b, X-C', ['x-a', 'x-b', 'x-c']],
      INSTANA_IGNORE_ENDPOINTS: ['http:GET', { http: [{ methods: ['get'] }] }],
      INSTANA_IGNORE_ENDPOINTS_DISABLE_SUPPRESSION: ['1', true],
      INSTANA_TRACING_DISABLE: ['Koa;!express,logging', ['koa', '!express', 'logging']],
      INSTANA_TRACING_MAX_REQUEST_MS: ['1000', 1000],
      INSTANA_STACK_TRACE: ['error', 'error'],
      INSTANA_STACK_TRACE_LENGTH: ['700', 500],
      INSTANA_TRACING_DISABLE_W3C: ['false', false],
      INSTANA_TRACING_HTTP_EXIT_CLASSIFY_ALL_4XX_AS_ERRORS: ['true', true],
      INSTANA_TRACING_HTTP_EXIT_CLASSIFY_AS_ERRORS: ['404, 418, 500, x', [404, 418]],
      INSTANA_METRICS_ENABLED: ['0', false],
      INSTANA_METRICS_TRANSMISSION_DELAY: ['2000', 2000],
      INSTANA_TRACING_OTLP_ENABLED: ['Both', 'both'],
      INSTANA_METRICS_OTLP_ENABLED: ['false', false],
    };
    for (const option of options) {
      const variable = option.env[0];
      if (variable === undefined) continue;
      const [text, expected] = values[variable] ?? assert.fail(`no case for ${variable}`);
      const { config, warnings } = read({ [variable]: text });
      assert.deepEqual(at(config, option.name), expected, variable);
      assert.deepEqual(warnings, [], variable);
    }
  });

  it('turns W3C headers off by variables of any value, one direction each or both', () => {
    const w3c = (env: NodeJS.ProcessEnv): object =>
      read(env, { tracing: { w3c: { read: true, write: true } } }).config.tracing.w3c;
    assert.deepEqual(w3c({}), { read: true, write: true });
    assert.deepEqual(w3c({ INSTANA_TRACING_DISABLE_W3C: '' }), { read: true, write: true });
    assert.deepEqual(w3c({ INSTANA_TRACING_DISABLE_W3C: '0' }), { read: false, write: false });
    assert.deepEqual(w3c({ INSTANA_TRACING_DISABLE_W3C_CORRELATION: 'x' }), { read: false, write: true });
    assert.deepEqual(w3c({ INSTANA_DISABLE_W3C_TRACE_CORRELATION: 'false' }), { read: false, write: true });
    assert.deepEqual(w3c({ INSTANA_TRACING_DISABLE_W3C_PROPAGATION: 'no' }), { read: true, write: false });
    assert.deepEqual(read({}, { tracing: { w3c: { read: false } } }).config.tracing.w3c, { read: false, write: true });
    const { config, warnings } = read({}, { tracing: { w3c: { write: 'perhaps' } } });
    assert.deepEqual(config.tracing.w3c, { read: true, write: true });
    assert.match(warnings[0] ?? '', /tracing\.w3c\.write is "perhaps"/);
  });

  it('tells of a value that it cannot use, names it, and falls back', () => {
    const { config, warnings } = read({ INSTANA_AGENT_PORT: '99999' }, { agentPort: 4711 });
    assert.equal(config.agentPort, 4711);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /INSTANA_AGENT_PORT.*"99999".*1 to 65535/);
  });

  const hostile: unknown[] = [
    Number.NaN,
    -1,
    1e9,
    Number.POSITIVE_INFINITY,
    '',
    '\u0000',
    [],
    {},
    () => 1,
    Symbol('s'),
    10n,
    Object.freeze({}),
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
        getOwnPropertyDescriptor: () => {
          throw new Error('trap');
        },
      },
    ),
  ];
  for (const option of options) {
    it(`keeps ${option.name} of its kind, whatever code hands in`, () => {
      for (const value of hostile) {
        const code = option.name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
        const { config } = read({}, code);
        const kind = (thing: unknown): string => (Array.isArray(thing) ? 'array' : typeof thing);
        const result = at(config, option.name);
        const isText = option.default === null && typeof result === 'string';
        assert.ok(isText || kind(result) === kind(option.default), `${option.name}: ${kind(result)}`);
      }
    });
  }

  it('survives options that are no object, or an object of getters that throw', () => {
    const bad = {
      get serviceName(): string {
        throw new Error('getter');
      },
      get tracing(): object {
        throw new Error('getter');
      },
    };
    for (const code of [null, undefined, 7, 'text', [], hostile.at(-1), bad]) {
      assert.doesNotThrow(() => read({}, code));
    }
    // An agent's answer is parsed JSON: of any kind, but without getters.
    for (const answer of [null, undefined, 7, 'text', [], { tracing: null }, { tracing: { http: 7 }, secrets: [] }])
      assert.doesNotThrow(() => read({}, {}, answer));
  });

  it('does not read inherited members, and does not pollute prototypes', () => {
    assert.equal(read({}, Object.create({ serviceName: 'inherited' })).config.serviceName, null);
    read({}, JSON.parse('{"__proto__":{"polluted":1},"tracing":{"__proto__":{"enabled":false}}}'));
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  it('knows a configured host from the default one', () => {
    assert.equal(read({ INSTANA_AGENT_HOST: 'agent' }).config.agentHostConfigured, true);
    assert.equal(read({}, { agentHost: 'agent' }).config.agentHostConfigured, true);
    for (const host of ['a b', 'http://x', 'x/y', 'x\r\ny', 'a'.repeat(300)])
      assert.equal(read({ INSTANA_AGENT_HOST: host }).config.agentHostConfigured, false, host);
  });

  it('takes INSTANA_AGENT_IP in the place of the host, and says that it is old', () => {
    const { config, warnings } = read({ INSTANA_AGENT_IP: '10.0.0.2' });
    assert.equal(config.agentHost, '10.0.0.2');
    assert.match(warnings.join(), /deprecated/);
    assert.equal(read({ INSTANA_AGENT_HOST: 'a', INSTANA_AGENT_IP: 'b' }).config.agentHost, 'a');
  });

  it('means debug by INSTANA_DEBUG and INSTANA_DEV, with any value', () => {
    for (const env of [{ INSTANA_DEBUG: 'x' }, { INSTANA_DEV: 'false' }])
      assert.equal(read({ ...env, INSTANA_LOG_LEVEL: 'error' }).config.logLevel, 'debug');
  });

  it('turns tracing off by either of its variables', () => {
    assert.equal(read({ INSTANA_TRACING_DISABLE: 'true' }).config.tracing.enabled, false);
    assert.equal(
      read({ INSTANA_TRACING_DISABLE: 'true' }, { tracing: { enabled: true } }).config.tracing.enabled,
      false,
    );
    assert.equal(read({ INSTANA_TRACING_DISABLE: 'false' }).config.tracing.enabled, true);
    assert.equal(read({ INSTANA_DISABLE_AUTO_INSTR: '1' }).config.tracing.automatic, false);
  });

  it('turns tracing off and on by its two names, the stronger source deciding', () => {
    const rows: readonly (readonly [NodeJS.ProcessEnv, object, object | undefined, boolean])[] = [
      [{}, { tracing: { disable: true } }, undefined, false],
      [{}, { tracing: { disable: false } }, undefined, true],
      [{}, { tracing: { enabled: false, disable: false } }, undefined, false],
      [{ INSTANA_TRACING_DISABLE: 'false' }, { tracing: { enabled: false } }, undefined, true],
      [{ INSTANA_TRACING_ENABLED: 'true' }, { tracing: { disable: true } }, undefined, true],
      [{ INSTANA_TRACING_ENABLED: 'true', INSTANA_TRACING_DISABLE: '1' }, {}, undefined, false],
      [{}, {}, { tracing: { disable: true } }, false],
      [{}, { tracing: { enabled: true } }, { tracing: { disable: true } }, true],
      [{}, { tracing: { disable: ['koa'] } }, { tracing: { disable: true } }, true],
    ];
    for (const [env, code, answer, enabled] of rows)
      assert.equal(read(env, code, answer).config.tracing.enabled, enabled, JSON.stringify([env, code, answer]));
  });

  it('takes what is switched off from environment, code and agent, in all their forms', () => {
    const agent = { tracing: { disable: { Logging: true, console: false, koa: 'yes', express: 1 } } };
    assert.deepEqual(read({}, {}, agent).config.tracing.disable, ['logging', '!console']);
    const groups = {
      tracing: { disable: { groups: ['logging'], instrumentations: ['!console', 'koa'], other: ['x'] } },
    };
    assert.deepEqual(read({}, groups, agent).config.tracing.disable, ['logging', '!console', 'koa']);
    assert.deepEqual(read({ INSTANA_TRACING_DISABLE_GROUPS: 'logging' }, groups).config.tracing.disable, ['logging']);
    assert.deepEqual(read({ INSTANA_TRACING_DISABLE: 'false' }, groups, agent).config.tracing.disable, []);
    for (const wrong of [7, null, Symbol('s'), () => true])
      assert.deepEqual(read({}, { tracing: { disable: wrong } }, agent).config.tracing.disable, [
        'logging',
        '!console',
      ]);
  });

  it('takes ignored endpoints from file, environment, code and agent, in this order', () => {
    const file = { http: [{ methods: ['file'] }] };
    const env = { INSTANA_IGNORE_ENDPOINTS: 'http:env' };
    const code = { tracing: { ignoreEndpoints: { http: ['code'] } } };
    const answer = { tracing: { 'ignore-endpoints': { http: ['agent'] } } };
    const read = (from: NodeJS.ProcessEnv, given: unknown, rules?: typeof file): unknown =>
      readConfig(from, given, answer, () => {}, rules).tracing.ignoreEndpoints;
    assert.deepEqual(read(env, code, file), file);
    assert.deepEqual(read(env, code), { http: [{ methods: ['env'] }] });
    assert.deepEqual(read({ INSTANA_IGNORE_ENDPOINTS: 'nonsense' }, code), { http: [{ methods: ['code'] }] });
    assert.deepEqual(read({}, { tracing: { ignoreEndpoints: [] } }), { http: [{ methods: ['agent'] }] });
    assert.deepEqual(read({}, { tracing: { ignoreEndpoints: {} } }), {});
  });

  it('tells with one line what of a value cannot be used, and uses the rest', () => {
    const { config, warnings } = read({ INSTANA_IGNORE_ENDPOINTS: 'http:get;redis;kafka' });
    assert.deepEqual(config.tracing.ignoreEndpoints, { http: [{ methods: ['get'] }] });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /INSTANA_IGNORE_ENDPOINTS: "redis".*"kafka"/);
  });

  it('reads secrets as all Instana sensors read the variable, and tells what it does not take', () => {
    const rows: readonly (readonly [string, string, readonly string[], RegExp | null])[] = [
      ['Equals: Alpha ,beta', 'equals', ['Alpha', 'beta'], null],
      ['NONE', 'none', [], null],
      ['bogus:alpha', 'contains-ignore-case', ['alpha'], /no matcher "bogus"/],
      ['regex:a:b,c', 'regex', ['a'], /second colon/],
      ['equals:', 'contains-ignore-case', ['key', 'pass', 'secret'], /expected/],
      ['equals: , ', 'contains-ignore-case', ['key', 'pass', 'secret'], /expected/],
    ];
    for (const [text, matcher, keywords, told] of rows) {
      const { config, warnings } = read({ INSTANA_SECRETS: text });
      assert.deepEqual(config.secrets, { matcher, keywords }, text);
      assert.equal(warnings.length, told === null ? 0 : 1, text);
      if (told !== null) assert.match(warnings[0] ?? '', told);
    }
  });

  it("takes the agent's secrets only where neither environment nor code has any that can be used", () => {
    const agent = { secrets: { matcher: 'equals', list: ['agent'] } };
    const keywords = (env: NodeJS.ProcessEnv, code: unknown): readonly string[] =>
      read(env, code, agent).config.secrets.keywords;
    const code = { secrets: { matcher: 'equals', keywords: ['code'] } };
    assert.deepEqual(keywords({ INSTANA_SECRETS: 'equals:env' }, code), ['env']);
    assert.deepEqual(keywords({ INSTANA_SECRETS: 'nonsense' }, code), ['code']);
    assert.deepEqual(keywords({}, { secrets: { matcher: 'nonsense', keywords: ['x'] } }), ['agent']);
    for (const wrong of [{ matcher: 7, list: [] }, { matcher: 'equals' }, { list: ['x'] }, [], 'equals:x'.length])
      assert.equal(read({}, {}, { secrets: wrong }).config.secrets.matcher, 'contains-ignore-case');
  });

  it('reads secrets as the agent writes them, as code does, and as none', () => {
    const agent = { secrets: { matcher: 'regex', list: ['a.*', 7] } };
    assert.deepEqual(read({}, {}, agent).config.secrets, { matcher: 'regex', keywords: ['a.*'] });
    assert.deepEqual(read({ INSTANA_SECRETS: 'none' }).config.secrets, { matcher: 'none', keywords: [] });
    assert.deepEqual(read({}, { secrets: { matcher: 'none', keywords: ['x'] } }).config.secrets.keywords, []);
  });

  it('takes the list of headers of older agents only when there is no tracing section', () => {
    assert.deepEqual(read({}, {}, { extraHeaders: ['X-A'] }).config.tracing.extraHttpHeaders, ['x-a']);
    assert.deepEqual(read({}, {}, { extraHeaders: ['X-A'], tracing: {} }).config.tracing.extraHttpHeaders, []);
    const current = { extraHeaders: ['X-A'], tracing: { 'extra-http-headers': ['X-B'] } };
    assert.deepEqual(read({}, {}, current).config.tracing.extraHttpHeaders, ['x-b']);
  });
});

describe('what is written about values that cannot be used', () => {
  it('has no secret in it', () => {
    const warnings: string[] = [];
    const env = { INSTANA_AGENT_HOST: 'http://user:hunter2@127.0.0.1' };
    const warn = (message: string): void => void warnings.push(message);
    readConfig(env, { eumApiKey: { secret: 'hunter2' } }, undefined, warn);
    readConfig({ INSTANA_AGENT_HOST: 'user:hunter2@127.0.0.1' }, { agentHost: { a: 'hunter2' } }, undefined, warn);
    readConfig({ INSTANA_AGENT_HOST: 'hunter2@127.0.0.1' }, { agentHost: ['hunter2'] }, undefined, warn);
    assert.equal(warnings.length, 6);
    assert.ok(!warnings.some((message) => message.includes('hunter2')), warnings.join());
    assert.equal(
      warnings[0],
      `INSTANA_AGENT_HOST is a text that is not shown here, expected ${options.find(({ name }) => name === 'agentHost')?.expected}; it is ignored`,
    );
    assert.match(String(read({ INSTANA_AGENT_PORT: '42 699' }).warnings), /INSTANA_AGENT_PORT is "42 699", expected/);
  });
});

describe('the configuration in memory', () => {
  it('has fast properties, since every request reads them', () => {
    // A function of V8's that needs a flag, which may be set while the process runs.
    setFlagsFromString('--allow-natives-syntax');
    const hasFastProperties = new Function('value', 'return %HasFastProperties(value)') as (value: object) => boolean;
    const { config } = read({}, { tracing: { w3c: { read: false } } });
    const groups = [config, config.tracing, config.tracing.w3c, config.tracing.httpExit, config.metrics];
    assert.deepEqual(groups.map(hasFastProperties), [true, true, true, true, true]);
    const dictionary: Record<string, number> = Object.create(null);
    assert.equal(hasFastProperties(Object.assign(dictionary, { a: 1 })), false);
  });
});
