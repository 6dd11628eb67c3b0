// Every instrumentation once. What `INSTANA_BOOTSTRAP` names is picked from here.
import type { ChannelInstrumentation, Instrumentation } from './instrumentation.js';
import {
  express,
  express4Layer,
  express4Route,
  express4Router,
  finalHandler,
  routerPackage,
  routerPackageLayer,
  routerPackageRoute,
} from './modules/express.js';
import { fetchClient } from './modules/fetch.js';
import { httpClient, httpsClient } from './modules/http-client.js';
import { httpServer, httpsServer } from './modules/http-server.js';
import { koaApplication, koaContext } from './modules/koa.js';
import { koaRoute, koaRouterScoped, koaRouterUnscoped } from './modules/koa-router.js';
import { openTracing, openTracingGlobal } from './modules/opentracing.js';

export const catalogue: readonly Instrumentation[] = [
  httpServer,
  httpsServer,
  httpClient,
  httpsClient,
  express,
  express4Router,
  express4Layer,
  express4Route,
  routerPackage,
  routerPackageLayer,
  routerPackageRoute,
  finalHandler,
  koaApplication,
  koaContext,
  koaRouterUnscoped,
  koaRouterScoped,
  koaRoute,
  openTracing,
  openTracingGlobal,
];

export const channelCatalogue: readonly ChannelInstrumentation[] = [fetchClient];
