// Preload of dd-trace, as it is by default.
require('dd-trace').init();
