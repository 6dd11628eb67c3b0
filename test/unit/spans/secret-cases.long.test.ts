import { test } from 'node:test';
import { checkSecrets } from './secret-cases.js';

test('no secret of 100,000 random requests is sent', () => checkSecrets(100_000));
