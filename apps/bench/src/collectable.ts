// This file is preloaded into processes whose memory is measured. They collect their garbage when they receive SIGUSR2.
process.on('SIGUSR2', () => global.gc?.());
