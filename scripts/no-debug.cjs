// Replaces the package `debug` in the bundled `require-in-the-middle`: loading it, with its terminal colours, takes as long as the rest
// of the preload, and its output is not used.
module.exports = () => Object.assign(() => {}, { enabled: false });
