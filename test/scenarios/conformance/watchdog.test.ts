// Requests that are never answered: the watchdog sends their spans, marked as unfinished.
import { type Case, step, type Target } from './case.js';
import { runCases } from './run-cases.js';

const unfinished = { spanStatus: null, error: /./, ec: 0, unfinished: true, minDurationMs: 1400 } as const;

const cases: readonly Case[] = [
  {
    id: 'H12',
    title: 'sends the span of a request that is not answered, once, whatever comes later',
    steps: [step('/never', { status: null, ...unfinished }), step('/late', { replyBody: 'late', ...unfinished })],
  },
  {
    id: 'E18',
    title: 'sends the span of a request that Express 4 lost to a rejection',
    on: ({ framework, major }) => framework === 'express' && major === 4,
    steps: [step('/reject/1', { status: null, tpl: '/reject/:id', ...unfinished })],
  },
];

const env = { INSTANA_TRACING_MAX_REQUEST_MS: '1500', ONLY_CASES: 'H12,E18' };
const router = { name: '@koa/router', major: 15 };
const base = { loader: 'require', router: null, env } as const;

const targets: readonly Target[] = [
  { ...base, name: 'watchdog on http', framework: 'http', major: 0, file: 'http-app.cjs' },
  { ...base, name: 'watchdog on express 4', framework: 'express', major: 4, file: 'versions/express-4/app.cjs' },
  { ...base, name: 'watchdog on express 5', framework: 'express', major: 5, file: 'versions/express-5/app.cjs' },
  { ...base, name: 'watchdog on koa 2', framework: 'koa', major: 2, router, file: 'versions/koa-2-router-15/app.cjs' },
  { ...base, name: 'watchdog on koa 3', framework: 'koa', major: 3, router, file: 'versions/koa-3-router-15/app.cjs' },
];

for (const target of targets) runCases(target, cases);
