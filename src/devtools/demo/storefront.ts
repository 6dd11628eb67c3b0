// The storefront service of the demo, an Express server that calls the inventory, written like a small application.
import type { RequestListener } from 'node:http';
import { type DemoResponse, type DemoRoute, getJson, loadFramework, pause, plainListener, serveDemo } from './child.js';

const inventoryUrl = process.env['DEMO_INVENTORY_URL'] ?? '';

const routes: readonly DemoRoute[] = [
  { method: 'GET', path: '/products', handle: listProducts },
  { method: 'GET', path: '/orders/:id', handle: showOrder },
  { method: 'POST', path: '/checkout/:id', handle: checkOut },
  { method: 'GET', path: '/search', handle: search },
  { method: 'GET', path: '/reports/:name', handle: report },
];

async function listProducts(): Promise<DemoResponse> {
  return getJson(`${inventoryUrl}/stock`);
}

async function showOrder(id: string): Promise<DemoResponse> {
  const stock = await getJson(`${inventoryUrl}/stock/${/^\d+$/.test(id) ? Number(id) % 10 : id}`);
  return stock.status === 200
    ? { status: 200, body: { id, items: [stock.body] } }
    : { status: 404, body: { error: 'no such order' } };
}

async function checkOut(id: string): Promise<DemoResponse> {
  await getJson(`${inventoryUrl}/stock/${Number(id) % 10}`);
  throw new Error(`payment of order ${id} was declined`);
}

async function search(): Promise<DemoResponse> {
  await pause(350);
  return { status: 200, body: [] };
}

async function report(name: string): Promise<DemoResponse> {
  const { status, body } = await getJson(`${inventoryUrl}/audit/${name}`);
  return { status: status === 200 ? 200 : 502, body };
}

/** The parts of Express that are used here; its types would be a further package to install. */
interface ExpressApp {
  (...args: Parameters<RequestListener>): void;
  get: AddRoute;
  post: AddRoute;
}
type AddRoute = (path: string, handle: (request: ExpressRequest, response: ExpressResponse) => Promise<void>) => void;
interface ExpressRequest {
  readonly params: Readonly<Record<string, string>>;
}
interface ExpressResponse {
  status(code: number): ExpressResponse;
  json(body: unknown): void;
}

function expressListener(createApp: () => ExpressApp): RequestListener {
  const app = createApp();
  for (const { method, path, handle } of routes) {
    app[method === 'GET' ? 'get' : 'post'](path, async (request, response) => {
      const { status, body } = await handle(Object.values(request.params)[0] ?? '');
      response.status(status).json(body);
    });
  }
  return app;
}

// Express prints every error of a handler unless NODE_ENV is test, but in the demo the errors are intended.
process.env['NODE_ENV'] = 'test';
const express = loadFramework('express');
if (typeof express === 'function')
  serveDemo(expressListener(express as () => ExpressApp), 'express'); // Express exports that function.
else serveDemo(plainListener(routes), 'http');
