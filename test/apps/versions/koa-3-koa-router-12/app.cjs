const Koa = require('koa');
const routerModule = require('koa-router');
const { builders } = require('../../koa-cases.cjs');
const { serve } = require('../../serve.cjs');

const Router = routerModule.Router ?? routerModule;
serve(builders({ Koa, koaMajor: 3, Router, routerModule, routerMajor: 12, require }));
