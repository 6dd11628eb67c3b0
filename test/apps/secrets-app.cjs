// Puts the marker that MARKER names into everything that a request has, and into calls, errors and spans by hand.
const http = require('node:http');
const { downstream, listen, loadSensor, obeyStdin } = require('./serve.cjs');

const sensor = loadSensor();
const marker = process.env.MARKER;
const query = `a=1&password=${marker}?p%61ss=${marker};KEY=${marker}&to=http://u:${marker}@h/&b=2`;

function get(url, options = {}) {
  return new Promise((resolve) => {
    try {
      http.get(url, options, (response) => response.resume().on('end', resolve)).on('error', (error) => resolve(error));
    } catch (error) {
      resolve(error);
    }
  });
}

const server = http.createServer(async (_req, res) => {
  res.setHeader('Location', `/next?${query}`);
  res.setHeader('Set-Cookie', `sid=${marker}`);
  const { host } = new URL(downstream);
  await get(`http://user:${marker}@${host}/ok?${query}#secret=${marker}`, {
    headers: { Authorization: `Bearer ${marker}`, 'X-Api-Key': marker, Referer: `http://u:${marker}@h/?${query}` },
  });
  await get(`${downstream}/ok;password=${marker}`);
  await get(`http://user:${marker}@127.0.0.1:1/refused?${query}`);
  await get(`user:${marker}@127.0.0.1/`);
  await fetch(`${downstream}/ok?${query}`).then((answer) => answer.text());
  const span = sensor?.tracer.startSpan(`GET http://u:${marker}@h/?${query}`, {
    tags: { 'http.url': `http://u:${marker}@h/?${query}`, 'http.params': query, user: { password: marker } },
  });
  span?.log({
    event: 'error',
    'error.object': new Error(`POST http://u:${marker}@h/?${query}, {"password":"${marker}"}`),
  });
  span?.log({ password: marker, body: JSON.stringify({ secret: marker }) });
  span?.finish();
  res.statusCode = 500;
  res.end('done');
});

listen(server).then((port) => {
  obeyStdin();
  process.stdout.write(`listening ${JSON.stringify({ app: port })}\n`);
});
