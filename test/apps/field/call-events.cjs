// Calls whose listeners make a further call in each event, so that a test sees in which context it runs.
const http = require('node:http');
const { serve, pause } = require('../serve.cjs');

const downstream = process.env.DOWNSTREAM_URL;
const events = {
  request: [
    'socket',
    'finish',
    'response',
    'timeout',
    'error',
    'close',
    'information',
    'continue',
    'upgrade',
    'connect',
    'abort',
  ],
  response: ['data', 'end', 'aborted', 'error', 'close'],
};

/** Calls the downstream without keep-alive; its name says for whom and in which event. */
function mark(name, event) {
  http
    .get(`${downstream}/mark/${name}/${event}`, { agent: false }, (response) => response.resume())
    .on('error', () => {});
}

/** Marks every event of a call once, and resolves when it is closed. */
function watch(request, name) {
  const once = (emitter, kind, event, then) => {
    emitter.once(event, (...args) => {
      mark(name, `${kind}-${event}`);
      then?.(...args);
    });
  };
  for (const event of events.request) {
    if (event === 'response') continue;
    once(request, 'request', event, event === 'timeout' ? () => request.destroy(new Error('late')) : undefined);
  }
  once(request, 'request', 'response', (response) => {
    for (const event of events.response) {
      once(response, 'response', event);
    }
    response.resume();
  });
  return new Promise((resolve) => request.once('close', resolve));
}

const call = (path, options, name) => watch(http.get(`${downstream}${path}`, options), name);

/** Each has an agent that the first request uses, then the second one on the same connection or in the same queue. */
const agents = {
  reused: () => new http.Agent({ keepAlive: true, maxSockets: 1, timeout: 300 }),
  waiting: () => new http.Agent({ keepAlive: true, maxSockets: 1 }),
  renewed: () => new http.Agent({ keepAlive: false, maxSockets: 1 }),
  fresh: () => new http.Agent({ keepAlive: false }),
};
const shared = new Map();
function agentOf(key) {
  const kind = key.split('-')[0];
  if (!shared.has(key)) shared.set(key, agents[kind]());
  return shared.get(key);
}

/** Aborts calls of other requests. */
const controllers = new Map();

const server = http.createServer(async (req, res) => {
  const [, act, key, name, path = 'body'] = req.url.split('/');
  if (act === 'call') await call(`/${path}`, { agent: agentOf(key) }, name);
  if (act === 'abortable') {
    const controller = new AbortController();
    controllers.set(key, controller);
    await call(`/${path}`, { agent: agentOf(key), signal: controller.signal }, name);
  }
  if (act === 'abort') controllers.get(key).abort();
  if (act === 'setTimeout') {
    const request = http.get(`${downstream}/${path}`, { agent: agentOf(key) });
    request.setTimeout(200, () => mark(name, 'callback'));
    await watch(request, name);
  }
  await pause(20);
  res.end();
});
/** A call outside any request, on a connection that a request has opened. */
const timer = setInterval(() => {
  if (!shared.has('reused-background') || Object.keys(agentOf('reused-background').freeSockets).length === 0) return;
  clearInterval(timer);
  call('/hang', { agent: agentOf('reused-background') }, 'background');
}, 10);

serve({ app: () => server });
