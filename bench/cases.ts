// The applications of the benchmarks.
import type { AppCase } from './running-app.js';

const hello = { path: '/hello/joe?page=1', calls: false };
const call = { path: '/call/7?page=1', calls: true };

/** The application of the benchmarks that measure only one. */
export const express: AppCase = { title: 'Express 5', file: 'express.cjs', ...hello };

/** The applications by the names that `--cases` takes. */
export const requestCases: Readonly<Record<string, AppCase>> = {
  http: { title: 'raw http', file: 'http.cjs', ...hello },
  'http-call': { title: 'raw http, one call out', file: 'http.cjs', ...call },
  express,
  'express-call': { title: 'Express 5, one call out', file: 'express.cjs', ...call },
  koa: { title: 'Koa 3', file: 'koa.cjs', ...hello },
  'koa-call': { title: 'Koa 3, one call out', file: 'koa.cjs', ...call },
};
