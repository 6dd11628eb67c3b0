// A script that makes a span and ends: END is `flush`, `exit`, `throw` or anything else for an end by itself; WAIT_MS before it. With KINDS, a
// list, it makes a span of each before, below a caller in the trace CALLER.
const { flush, tracer } = require('@instana/ts-sensor');

const caller = { 'x-instana-t': process.env.CALLER, 'x-instana-s': '1111111111111111' };
for (const kind of process.env.KINDS?.split(',') ?? [])
  tracer.startSpan(kind, { childOf: tracer.extract('http_headers', caller), tags: { 'span.kind': kind } }).finish();
const span = tracer.startSpan('work');
const end = () => {
  span.finish();
  if (process.env.END === 'flush') return flush();
  if (process.env.END === 'exit') process.exit(3);
  if (process.env.END === 'throw') throw new Error('on purpose');
  return undefined;
};
if (process.env.WAIT_MS === '0') end();
else setTimeout(end, Number(process.env.WAIT_MS));
