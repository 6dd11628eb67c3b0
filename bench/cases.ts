// The applications of the benchmark of requests.
import type { AppCase } from './running-app.js';

export interface RequestCase extends AppCase {
  readonly title: string;
}

const hello = { path: '/hello/joe?page=1', calls: false };
const call = { path: '/call/7?page=1', calls: true };

/** By the names that `--cases` takes. */
export const requestCases: Readonly<Record<string, RequestCase>> = {
  http: { title: '`http`', file: 'http.cjs', ...hello },
  'http-call': { title: '`http`, one call out', file: 'http.cjs', ...call },
  express: { title: 'Express 5', file: 'express.cjs', ...hello },
  'express-call': { title: 'Express 5, one call out', file: 'express.cjs', ...call },
  koa: { title: 'Koa 3', file: 'koa.cjs', ...hello },
  'koa-call': { title: 'Koa 3, one call out', file: 'koa.cjs', ...call },
};

/** The case that stands for all where one is enough. */
export const typicalCase: RequestCase = { title: 'Express 5', file: 'express.cjs', ...hello };
