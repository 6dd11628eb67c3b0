// Settings and what the official sensor makes of them, from its recording; we have to make the same of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/options.js';
import { isGroup } from '../../../src/config/parsers.js';
import { readConfig } from '../../../src/config/read-config.js';

type Json = Record<string, unknown>;

interface Row {
  readonly env: Record<string, string>;
  readonly inCode?: Json;
  readonly result: unknown;
}

const rows = JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/config.json'), 'utf8')) as Row[];

/** Two options have other names in code here (product.md): their values are handed in under ours, all else as recorded. */
function inOurNames(inCode: Json | undefined): unknown {
  const { secrets, tracing, ...rest } = (inCode ?? {}) as { secrets?: Json; tracing?: Json & { http?: Json } };
  const { http, ...others } = tracing ?? {};
  return {
    ...rest,
    ...(secrets === undefined ? {} : { secrets: { matcher: secrets['matcherMode'], keywords: secrets['keywords'] } }),
    tracing: {
      ...others,
      ...(http === undefined ? {} : { extraHttpHeaders: http['extraHttpHeadersToCapture'] }),
    },
  };
}

/** The part of the configuration that a row is about, in the form of the recording. */
function asRecorded(config: Config, result: unknown): unknown {
  const { secrets, tracing } = config;
  if (Array.isArray(result)) return tracing.extraHttpHeaders;
  const members = Object.keys(result as object);
  if (members.includes('matcherMode')) return { matcherMode: secrets.matcher, keywords: secrets.keywords };
  if (members.includes('stackTrace'))
    return { stackTrace: tracing.stackTrace, stackTraceLength: tracing.stackTraceLength };
  if (!members.includes('disable')) return tracing.ignoreEndpoints;
  const instrumentations = tracing.disable.filter((name) => !isGroup(name));
  const groups = tracing.disable.filter((name) => isGroup(name));
  return {
    enabled: tracing.enabled,
    disable: {
      ...(instrumentations.length > 0 ? { instrumentations } : {}),
      ...(groups.length > 0 ? { groups } : {}),
    },
  };
}

describe('settings as the official sensor understands them', () => {
  for (const { env, inCode, result } of rows) {
    it(`${JSON.stringify(env)} ${JSON.stringify(inCode ?? {})} mean ${JSON.stringify(result)}`, () => {
      const config = readConfig(env, inOurNames(inCode), undefined, () => {});
      assert.deepEqual(asRecorded(config, result), result);
    });
  }

  it('are all there', () => assert.equal(rows.length, 30));
});
