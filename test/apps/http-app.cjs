// Host of the cases on plain http; with PROTOCOL=https on https.
const { serve } = require('./serve.cjs');
const cases = require('./http-cases.cjs');

serve(process.env.PROTOCOL === 'https' ? cases.https() : cases.http(), {});
