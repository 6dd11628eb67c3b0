import { createRequire } from 'node:module';
import Koa from 'koa';
import Router, * as routerModule from 'koa-router';
import { builders } from '../../koa-cases.cjs';
import { serve } from '../../serve.cjs';

const require = createRequire(import.meta.url);
serve(builders({ Koa, koaMajor: 3, Router, routerModule, routerMajor: 12, require }));
