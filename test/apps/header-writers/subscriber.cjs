// Adds trace headers of its own to each request of undici, and to each of `http`, as other tracers do.
const diagnosticsChannel = require('node:diagnostics_channel');
const http = require('node:http');

const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;

diagnosticsChannel.subscribe('undici:request:create', ({ request }) => {
  request.addHeader('traceparent', traceparent);
  request.addHeader('tracestate', 'other=1');
  request.addHeader('x-other', '1');
});

const { request } = http;
http.request = function (url, options, ...rest) {
  const headers = { ...options.headers, traceparent, tracestate: 'other=1', 'x-other': '1' };
  return request.call(this, url, { ...options, headers }, ...rest);
};
