/** After SIGTERM an app has this time to finish or return its work, in ms. */
export const shutdownTimeoutMs = 30_000;
