// The same host as an ES module, which makes its calls by the names it imported.
import http, { Agent, get, request } from 'node:http';
import https, { Agent as TlsAgent, get as tlsGet, request as tlsRequest } from 'node:https';
import { fetchExits, requestExits } from './exits.cjs';
import { serveExits } from './exits-server.cjs';

const named = { ...http, get, request, Agent };
const tlsNamed = { ...https, get: tlsGet, request: tlsRequest, Agent: TlsAgent };
serveExits({ http: named, https: tlsNamed, requestExits, fetchExits });
