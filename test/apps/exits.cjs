// Outgoing calls of every shape. Each returns what the app saw of it, as plain data: it must be the same without the sensor.
const https = require('node:https');
const { inspect } = require('node:util');
const { pause } = require('./serve.cjs');

/** Everything that can be seen of a value, to compare before and after; of `Headers` what they hold, not how. */
function picture(value) {
  const held = value?.headers instanceof Headers ? [...value.headers] : null;
  return inspect(held ?? value, { depth: 6, showHidden: true, getters: false });
}

function finished(request) {
  return new Promise((resolve) => {
    const events = [];
    request.on('error', (error) => {
      events.push(`error ${error.name} ${error.code ?? ''} ${error.message}`);
    });
    request.on('timeout', () => events.push('timeout'));
    request.on('close', () => resolve(events));
    request.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('error', (error) => events.push(`response error ${error.code}`));
      res.on('end', () => events.push(`${res.statusCode} ${text}`));
    });
  });
}

function thrown(fn) {
  try {
    fn();
    return 'nothing thrown';
  } catch (error) {
    return [error.name, error.code, error.message];
  }
}

async function rejected(promise) {
  try {
    const res = await promise;
    return [res.status, await res.text()];
  } catch (error) {
    return [error.name, error.message, error.cause?.code ?? error.code ?? null];
  }
}

/**
 * `lib` is http or https as the app has it, `base` the URL of its server, `key` a word that no other call has in its path.
 * `at(kind)` is the path that makes the server answer in that way.
 */
function requestExits(lib, base, options = {}) {
  const { hostname, port } = new URL(base);
  const at = (kind, key) => `/${kind}/${key}`;
  const where = { hostname, port, ...options };
  const end = (request) => {
    request.end();
    return finished(request);
  };
  const url = (kind, key) => `${base}${at(kind, key)}`;
  return {
    getString: (key) => finished(lib.get(url('ok', key), options)),
    getUrl: (key) => finished(lib.get(new URL(url('ok', key)), options)),
    getOptions: (key) => finished(lib.get({ ...where, path: at('ok', key) })),
    requestString: (key) => end(lib.request(url('ok', key), options)),
    requestUrl: (key) => end(lib.request(new URL(url('ok', key)), options)),
    requestUrlAndOptions: (key) => end(lib.request(new URL(url('ok', key)), { ...options, method: 'PUT' })),
    requestExtendedUrl: (key) => {
      const own = Object.assign(new URL(url('ok', key)), { ...options, method: 'PUT', headers: { 'X-Own': '1' } });
      return end(lib.request(own));
    },
    requestOtherPath: (key) => end(lib.request(`${base}/status/500`, { ...options, path: at('ok', key) })),
    requestCredentials: (key) => end(lib.request(url('ok', key).replace('//', '//user:word@'), options)),
    requestAgentPort: (key) => {
      const agent = new lib.Agent({ ...options });
      agent.defaultPort = Number(port);
      const ended = end(lib.request(`${new URL(base).protocol}//${hostname}${at('ok', key)}`, { ...options, agent }));
      return ended.finally(() => agent.destroy());
    },
    requestOptions: (key) => end(lib.request({ ...where, path: at('ok', key), method: 'POST' })),
    requestHost: (key) => end(lib.request({ ...options, host: hostname, port: Number(port), path: at('ok', key) })),
    requestQuery: (key) => end(lib.request({ ...where, path: `${at('ok', key)}?a=1&apiKey=123` })),
    callback: (key) =>
      new Promise((resolve) => {
        lib.get(url('ok', key), options, (res) => resolve([res.statusCode, res.resume() === res]));
      }),
    callbackOnly: (key) =>
      new Promise((resolve) => {
        const request = lib.request({ ...where, path: at('ok', key) }, (res) =>
          res.resume().on('end', () => resolve(res.statusCode)),
        );
        request.end();
      }),
    undefinedTail: (key) => finished(lib.get({ ...where, path: at('ok', key) }, undefined)),
    undefinedOptions: (key) => (lib === https ? null : finished(lib.get(url('ok', key), undefined, undefined))),
    body: (key) => {
      const request = lib.request({ ...where, path: at('ok', key), method: 'POST' });
      request.write('one ');
      request.end('two');
      return finished(request);
    },
    status404: (key) => finished(lib.get({ ...where, path: at('status/404', key) })),
    status500: (key) => finished(lib.get({ ...where, path: at('status/500', key) })),
    redirect: (key) => finished(lib.get({ ...where, path: at('hop/1', key) })),
    cut: (key) => finished(lib.get({ ...where, path: at('cut', key) })),
    timeout: (key) => {
      const request = lib.get({ ...where, path: at('slow', key), timeout: 80 });
      request.on('timeout', () => setTimeout(() => request.destroy(), 20));
      return finished(request);
    },
    timeoutAborted: (key) => {
      const request = lib.get({ ...where, path: at('slow', key) });
      request.setTimeout(80, () => request.destroy());
      return finished(request);
    },
    destroyed: (key) => {
      const request = lib.get({ ...where, path: at('slow', key) });
      setTimeout(() => request.destroy(), 50);
      return finished(request);
    },
    aborted: (key) => {
      const request = lib.get({ ...where, path: at('slow', key) });
      setTimeout(() => request.abort(), 50);
      return finished(request);
    },
    signal: (key) => {
      const controller = new AbortController();
      const request = lib.get({ ...where, path: at('slow', key), signal: controller.signal });
      setTimeout(() => controller.abort(), 50);
      return finished(request);
    },
    destroyedWithError: (key) => {
      const request = lib.get({ ...where, path: at('slow', key) });
      setTimeout(() => request.destroy(new TypeError('own reason')), 50);
      return finished(request);
    },
    refused: (key) => finished(lib.get({ ...options, hostname: '127.0.0.1', port: 9, path: at('ok', key) })),
    unresolved: (key) =>
      finished(lib.get({ ...options, hostname: 'host.invalid', path: at('ok', key), lookup: noSuchHost })),
    badUrl: () => thrown(() => lib.get('not a url')),
    badCredentials: () => thrown(() => lib.get('http://%zz:word@127.0.0.1/')),
    badProtocol: () => thrown(() => lib.get('ftp://127.0.0.1/')),
    badPath: () => thrown(() => lib.request({ ...where, path: '/with space' })),
    badHeader: () => thrown(() => lib.request({ ...where, headers: { 'bad name': 'x' } })),
    badValue: () => thrown(() => lib.request({ ...where, headers: { Name: 'line\nbreak' } })),
    badMethod: () => thrown(() => lib.request({ ...where, method: 'NO WAY' })),
    neverConsumed: (key) =>
      new Promise((resolve) => {
        lib.get({ ...where, path: at('ok', key) }, (res) =>
          setTimeout(() => resolve([res.statusCode, res.readableFlowing]), 60),
        );
      }),
    noResponseListener: async (key) => {
      const agent = new lib.Agent({ keepAlive: true, maxSockets: 1 });
      const first = lib.get({ ...where, agent, path: at('ok', key) });
      await new Promise((resolve) => first.on('close', resolve));
      const second = lib.get({ ...where, agent, path: at('ok', key) });
      const events = await finished(second);
      agent.destroy();
      return [second.reusedSocket, events, first.listenerCount('response')];
    },
    continues: (key) =>
      new Promise((resolve) => {
        const request = lib.request({
          ...where,
          path: at('ok', key),
          method: 'POST',
          headers: { Expect: '100-continue' },
        });
        const events = [];
        request.on('continue', () => {
          events.push('continue');
          request.end('body');
        });
        finished(request).then((more) => resolve([...events, ...more]));
        request.flushHeaders();
      }),
    ...headerForms(lib, where, at),
  };
}

function noSuchHost(host, _options, done) {
  done(
    Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: host,
    }),
  );
}

/** Callers' own options and headers: they must look the same afterwards. */
function headerForms(lib, where, at) {
  const forms = {
    headersObject: () => ({ 'X-Own': '1' }),
    headersRaw: () => ['X-Own', '1', 'X-Other', '2', 'Host', 'own.test'],
    headersPairs: () => [
      ['X-Own', '1'],
      ['Host', 'own.test'],
    ],
    headersFrozen: () => Object.freeze({ 'X-Own': '1' }),
    headersNull: () => Object.assign(Object.create(null), { 'X-Own': '1' }),
    headersLists: () => ({ 'X-Own': ['1', '2'] }),
    headersGiven: () => ({ 'x-instana-t': '1111111111111111', 'X-Instana-S': '2222222222222222', 'X-Own': '1' }),
    headersHalf: () => ({ 'x-instana-t': '1111111111111111', 'X-Own': '1' }),
  };
  const exits = {};
  for (const [name, make] of Object.entries(forms)) {
    exits[name] = async (key) => {
      const headers = make();
      const options = Object.freeze({ ...where, path: at('ok', key), headers });
      const before = picture(options);
      let events;
      try {
        events = await finished(lib.get(options));
      } catch (error) {
        events = [error.name, error.code, error.message];
      }
      return [picture(options) === before, events];
    };
  }
  exits.nullOptions = async (key) => {
    const options = Object.assign(Object.create(null), where, { path: at('ok', key), headers: { 'X-Own': '1' } });
    const before = picture(options);
    return [await finished(lib.get(options)), picture(options) === before];
  };
  exits.setHeaderLater = async (key) => {
    const request = lib.request({ ...where, path: at('ok', key) });
    request.setHeader('X-Own', '1');
    request.setHeader('X-INSTANA-T', '1111111111111111');
    request.end();
    return finished(request);
  };
  return exits;
}

function fetchExits(base) {
  const url = (kind, key) => `${base}/${kind}/${key}`;
  const compared = async (key, init) => {
    const before = picture(init);
    const answer = await rejected(fetch(url('ok', key), init));
    return [answer, picture(init) === before];
  };
  return {
    fetchString: (key) => rejected(fetch(url('ok', key))),
    fetchQuery: (key) => rejected(fetch(`${url('ok', key)}?a=1&apiKey=123`)),
    fetchUrl: (key) => rejected(fetch(new URL(url('ok', key)))),
    fetchRequest: (key) => rejected(fetch(new Request(url('ok', key), { method: 'PUT', headers: { 'X-Own': '1' } }))),
    fetchOptionsWin: (key) =>
      rejected(
        fetch(new Request(url('ok', key), { method: 'PUT', headers: { 'X-Own': '1' } }), {
          method: 'DELETE',
          headers: { 'X-Own': '2' },
        }),
      ),
    fetchBody: (key) => rejected(fetch(url('ok', key), { method: 'POST', body: 'text' })),
    fetchObject: (key) => compared(key, { headers: { 'X-Own': '1' } }),
    fetchPairs: (key) => compared(key, { headers: [['X-Own', '1']] }),
    fetchHeaders: (key) => compared(key, { headers: new Headers({ 'X-Own': '1' }) }),
    fetchMap: (key) => compared(key, { headers: new Map([['X-Own', '1']]) }),
    fetchFrozen: (key) => compared(key, Object.freeze({ headers: Object.freeze({ 'X-Own': '1' }) })),
    fetchNull: (key) =>
      compared(
        key,
        Object.assign(Object.create(null), { headers: Object.assign(Object.create(null), { 'X-Own': '1' }) }),
      ),
    fetchGiven: (key) =>
      compared(key, { headers: { 'X-INSTANA-T': '1111111111111111', 'X-INSTANA-S': '2222222222222222' } }),
    fetchHalf: (key) => compared(key, { headers: { 'X-INSTANA-T': '1111111111111111' } }),
    fetch404: (key) => rejected(fetch(url('status/404', key))),
    fetch500: (key) => rejected(fetch(url('status/500', key))),
    fetchRedirect: (key) => rejected(fetch(url('hop/2', key))),
    fetchManual: (key) => rejected(fetch(url('hop/1', key), { redirect: 'manual' })),
    fetchRefused: (key) => rejected(fetch(`http://127.0.0.1:10/ok/${key}`)),
    fetchAborted: (key) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 50);
      return rejected(fetch(url('slow', key), { signal: controller.signal }));
    },
    fetchTimeout: (key) => rejected(fetch(url('slow', key), { signal: AbortSignal.timeout(60) })),
    fetchCut: (key) => rejected(fetch(url('cut', key))),
    fetchBadUrl: () => rejected((async () => fetch('not a url'))()),
    fetchBadPort: () => rejected((async () => fetch('http://127.0.0.1:9/'))()),
    fetchBadMethod: () => rejected((async () => fetch(`${base}/ok`, { method: 'NO WAY' }))()),
    fetchNeverConsumed: async (key) => {
      const res = await fetch(url('ok', key));
      await pause(30);
      return [res.status, res.bodyUsed];
    },
  };
}

module.exports = { requestExits, fetchExits };
