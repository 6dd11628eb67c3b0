// Express is loaded before the sensor, which comes by a require in the app's own code.
const { createRequire } = require('node:module');
const { join } = require('node:path');
const express = createRequire(join(__dirname, 'versions', 'express-4', 'app.cjs'))('express');

const sensor = process.env.SENSOR_BY_CODE ? require(process.env.SENSOR_BY_CODE) && require('@instana/ts-sensor') : null;
const { serve } = require('./serve.cjs');

serve({
  E32: () => {
    const app = express();
    app.get('/early/:id', (_req, res) => res.send('early'));
    app.get('/status', (_req, res) => res.json(sensor?.status().modules ?? []));
    return app;
  },
});
