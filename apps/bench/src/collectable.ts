// Runs in processes whose memory is measured, before their program.
process.on('SIGUSR2', () => global.gc?.());
