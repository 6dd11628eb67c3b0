// Starts many small apps in one process, each on a port of its own, and says where on one line of stdout.
const http = require('node:http');
const readline = require('node:readline');

const rejections = [];
const warnings = [];
process.on('unhandledRejection', (reason) => rejections.push(String(reason?.message ?? reason)));
process.on('warning', (warning) => warnings.push(`${warning.name} ${warning.code ?? ''} ${warning.message}`));

/** Answers `facts` on stdin, and ends with it, so that no host outlives its test. */
function obeyStdin() {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line === 'facts') process.stdout.write(`facts ${JSON.stringify({ rejections, warnings })}\n`);
    if (line === 'exit') process.exit(0);
  });
  lines.on('close', () => process.exit(0));
}

function isVariants(thing) {
  return typeof thing === 'object' && Object.getPrototypeOf(thing) === Object.prototype;
}

/** Applications listen by themselves, as users let them; a bare listener gets a server. */
function listen(thing) {
  return new Promise((resolve, reject) => {
    const listening = typeof thing.listen === 'function' ? thing : http.createServer(thing);
    const server = listening.listen(0, '127.0.0.1', () => resolve(server.address().port));
    server.once('error', reject);
  });
}

/** `builders`: name → function that returns a listener, a server, a Koa app, or an object of several of these. */
async function serve(builders, context) {
  const only = process.env.ONLY_CASES?.split(',');
  const ports = {};
  for (const [id, build] of Object.entries(builders)) {
    if (only && !only.includes(id)) continue;
    let built;
    try {
      built = build(context);
    } catch (error) {
      process.stderr.write(`case ${id} cannot be built: ${error.stack}\n`);
      continue;
    }
    if (built === undefined) continue;
    const variants = isVariants(built) ? built : { '': built };
    for (const [variant, thing] of Object.entries(variants)) {
      ports[variant === '' ? id : `${id}.${variant}`] = await listen(thing);
    }
  }
  obeyStdin();
  process.stdout.write(`listening ${JSON.stringify(ports)}\n`);
}

/** The sensor's public API where the sensor is on, else null. */
function loadSensor() {
  return process.env.TS_SENSOR_TRACED === '1' ? require('@instana/ts-sensor') : null;
}

/** Sets the route template by hand; does nothing without the sensor. */
function nameRoute(sensor, template) {
  sensor?.tracer.currentSpan()?.setTag('http.path_tpl', template);
}

const downstream = process.env.DOWNSTREAM_URL ?? 'http://127.0.0.1:9';

/** Calls the downstream server and returns its answer as text. */
function call(path) {
  return new Promise((resolve, reject) => {
    http
      .get(`${downstream}${path}`, (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { serve, obeyStdin, listen, loadSensor, nameRoute, call, downstream, pause };
