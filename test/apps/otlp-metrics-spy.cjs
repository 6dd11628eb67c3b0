// Preloaded before the sensor: counts what it begins to observe, and timers of the interval that OTLP metrics are told to have.
const hooks = require('node:perf_hooks');

const seen = { histograms: 0, observers: 0, timers: 0 };
globalThis.spied = seen;
const { monitorEventLoopDelay, PerformanceObserver } = hooks;
hooks.monitorEventLoopDelay = (options) => {
  seen.histograms++;
  return monitorEventLoopDelay(options);
};
const { observe } = PerformanceObserver.prototype;
PerformanceObserver.prototype.observe = function (options) {
  seen.observers++;
  return observe.call(this, options);
};
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, delay, ...rest) => {
  if (delay === 777) seen.timers++;
  return setTimeout(callback, delay, ...rest);
};
