// The same host as an ES module; its own imports of `node:http` come first, by name and as default.
import http, { createServer } from 'node:http';
import cases from './http-cases.cjs';
import { serve } from './serve.cjs';

const answer = (_req, res) => res.end('hello');
const shared = process.env.PROTOCOL === 'https' ? cases.https() : cases.http();

serve(
  {
    ...shared,
    H2esm: () => ({
      named: createServer(answer),
      default: http.createServer(answer),
      constructor: new http.Server(answer),
    }),
  },
  {},
);
