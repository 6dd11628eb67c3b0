// Requests whose bodies take their time, read in every way. Each path of the application asks for the same path of the downstream.
const http = require('node:http');
const { pipeline } = require('node:stream');
const { serve } = require('../serve.cjs');

const downstream = process.env.DOWNSTREAM_URL;

function get(path, use) {
  return new Promise((resolve, reject) => {
    http.get(downstream + path, { agent: false }, (response) => resolve(use(response))).on('error', reject);
  });
}

function read(response) {
  return new Promise((resolve) => {
    let length = 0;
    response.on('data', (chunk) => {
      length += chunk.length;
    });
    response.on('error', ({ message }) => resolve(message));
    response.on('end', () => resolve(String(length)));
  });
}

const handlers = {
  get: (path) => get(path, read),
  iterate: (path) =>
    get(path, async (response) => {
      let length = 0;
      for await (const chunk of response) length += chunk.length;
      return String(length);
    }),
  fetch: async (path) => {
    try {
      return String((await (await fetch(downstream + path)).text()).length);
    } catch ({ message }) {
      return message;
    }
  },
  unread: (path) => get(path, () => 'unread'),
  unreadFetch: async (path) => {
    kept.push(await fetch(downstream + path));
    return 'unread';
  },
};
const kept = [];

const server = http.createServer(async (req, res) => {
  const [, how, path] = req.url.split('/');
  if (how === 'pipe') {
    http.get(`${downstream}/${path}`, { agent: false }, (response) => pipeline(response, res, () => {}));
    return;
  }
  if (how === 'write') {
    const timer = setInterval(() => res.write('event'), 1000);
    setTimeout(() => {
      clearInterval(timer);
      res.end();
    }, Number(path));
    return;
  }
  res.end(await handlers[how](`/${path}`));
});
serve({ app: () => server });
