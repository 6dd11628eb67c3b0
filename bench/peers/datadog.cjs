// Preloads dd-trace with its defaults.
require('dd-trace').init();
