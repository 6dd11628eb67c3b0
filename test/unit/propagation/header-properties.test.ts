// Headers that strangers may send, a few thousand of them; header-properties.long.test.ts has more.
import { describe } from 'node:test';
import { describeHeaders } from './header-properties.js';

describe('trace headers of any content', () => describeHeaders(500));
