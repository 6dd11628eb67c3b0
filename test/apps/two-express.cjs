// Two copies of Express in one process, both mounted nowhere but on their own ports, and one app inside the other.
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { serve } = require('./serve.cjs');

const load = (major) => createRequire(join(__dirname, 'versions', `express-${major}`, 'app.cjs'))('express');
const [four, five] = [load(4), load(5)];

function app(express, word) {
  const made = express();
  made.get(`/${word}/:id`, (_req, res) => res.send(word));
  return made;
}

serve({
  E32: () => {
    const outer = five();
    outer.use('/outer', (req, res) => app(four, 'inner')(req, res));
    return { four: app(four, 'four'), five: app(five, 'five'), mixed: outer };
  },
});
