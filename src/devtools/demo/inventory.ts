// The inventory service of the demo, a Koa server written like a small application.
import type { RequestListener } from 'node:http';
import { type DemoResponse, type DemoRoute, loadFramework, pause, plainListener, serveDemo } from './child.js';

const names: readonly string[] = [
  'lamp',
  'chair',
  'table',
  'shelf',
  'clock',
  'mirror',
  'rug',
  'vase',
  'stool',
  'bench',
];

const routes: readonly DemoRoute[] = [
  { method: 'GET', path: '/stock', handle: listStock },
  { method: 'GET', path: '/stock/:sku', handle: showStock },
  { method: 'GET', path: '/audit/:name', handle: audit },
];

async function listStock(): Promise<DemoResponse> {
  await pause(20);
  return { status: 200, body: names.map((name, sku) => ({ sku, name })) };
}

async function showStock(sku: string): Promise<DemoResponse> {
  await pause(5);
  const name = /^\d+$/.test(sku) ? names[Number(sku)] : undefined;
  return name === undefined
    ? { status: 404, body: { error: 'no such article' } }
    : { status: 200, body: { sku, name } };
}

async function audit(): Promise<DemoResponse> {
  await pause(120);
  throw new TypeError('the ledger of yesterday is not closed');
}

/** The parts of Koa and its router that are used here; their types would be further packages to install. */
interface KoaContext {
  readonly params: Readonly<Record<string, string>>;
  status: number;
  body: unknown;
}
interface KoaApp {
  silent: boolean;
  use(middleware: unknown): KoaApp;
  callback(): RequestListener;
}
interface KoaRouter {
  get(path: string, handle: (context: KoaContext) => Promise<void>): void;
  routes(): unknown;
}
type KoaModules = { readonly Koa: new () => KoaApp; readonly Router: new () => KoaRouter };

function loadKoa(): KoaModules | null {
  const Koa = exportedClass(loadFramework('koa'));
  const Router = exportedClass(loadFramework('@koa/router'));
  // Every version of both packages exports a class with this constructor.
  return Koa === null || Router === null ? null : ({ Koa, Router } as unknown as KoaModules);
}

/** The class that a CommonJS module exports, directly or as `default`. */
function exportedClass(module: unknown): unknown {
  if (typeof module === 'function') return module;
  const hasDefault = typeof module === 'object' && module !== null && 'default' in module;
  return hasDefault && typeof module.default === 'function' ? module.default : null;
}

function koaListener({ Koa, Router }: KoaModules): RequestListener {
  const router = new Router();
  for (const { path, handle } of routes) {
    router.get(path, async (context) => {
      const { status, body } = await handle(Object.values(context.params)[0] ?? '');
      context.status = status;
      context.body = body;
    });
  }
  const app = new Koa();
  // Koa prints every error of a handler, but in the demo the errors are intended.
  app.silent = true;
  return app.use(router.routes()).callback();
}

const koa = loadKoa();
if (koa === null) serveDemo(plainListener(routes), 'http');
else serveDemo(koaListener(koa), 'koa');
