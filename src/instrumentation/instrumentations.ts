// The list of all instrumentations, from which `INSTANA_BOOTSTRAP` selects.

import { bluebird, bluebird2Factory, bluebird2Queue, bluebird3Factory } from './bluebird.js';
import {
  express,
  express4Layer,
  express4Route,
  express4Router,
  finalHandler,
  routerPackage,
  routerPackageLayer,
  routerPackageRoute,
} from './express/express.js';
import { fetchClient } from './http/fetch.js';
import { httpClient, httpsClient } from './http/http-client.js';
import { httpServer, httpsServer } from './http/http-server.js';
import type { ChannelInstrumentation, Instrumentation } from './instrumentation.js';
import { koaApplication, koaContext } from './koa/koa.js';
import { koaRoute, koaRouterScoped, koaRouterUnscoped } from './koa/koa-router.js';
import { openTracing, openTracingGlobal } from './opentracing.js';

/** Instrumentations that patch a module. */
export const instrumentations: readonly Instrumentation[] = [
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
  bluebird,
  bluebird2Factory,
  bluebird2Queue,
  bluebird3Factory,
  openTracing,
  openTracingGlobal,
];

/** Instrumentations that subscribe to diagnostics channels. */
export const channelInstrumentations: readonly ChannelInstrumentation[] = [fetchClient];
