// The checks that the opentracing package brings along for tracers, written for a runner that has `describe` and `it` everywhere.
import { beforeEach, describe, it } from 'node:test';
import { Fixture } from '../spans/fixtures.js';

Object.assign(globalThis, { beforeEach, describe, it });

const { default: apiCompatibilityChecks } =
  require('opentracing/lib/test/api_compatibility') as typeof import('opentracing/lib/test/api_compatibility.js');

apiCompatibilityChecks(() => new Fixture().tracer, { skipBaggageChecks: false, skipInjectExtractChecks: false });
