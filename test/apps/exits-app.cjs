// Host of the outgoing calls: `/NAME/KEY` makes the call NAME inside a request, `/later/NAME/KEY` outside any.
const http = require('node:http');
const https = require('node:https');
const { fetchExits, requestExits } = require('./exits.cjs');
const { serveExits } = require('./exits-server.cjs');

serveExits({ http, https, requestExits, fetchExits });
