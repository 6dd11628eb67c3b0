import { createRequire } from 'node:module';
import Router, * as routerModule from '@koa/router';
import Koa from 'koa';
import { builders } from '../../koa-cases.cjs';
import { serve } from '../../serve.cjs';

const require = createRequire(import.meta.url);
serve(builders({ Koa, koaMajor: 2, Router, routerModule, routerMajor: 15, require }));
