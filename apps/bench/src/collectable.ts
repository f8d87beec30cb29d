// Preloaded into processes whose memory is measured: SIGUSR2 collects the garbage.
process.on('SIGUSR2', () => global.gc?.());
