// As header-properties.test.ts, with some hundred thousand cases.
import { describe } from 'node:test';
import { describeHeaders } from './header-properties.js';

describe('trace headers of any content, at length', () => describeHeaders(100_000));
