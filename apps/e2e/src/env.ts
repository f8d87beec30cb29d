/** Sets the Postgres in which this process creates its databases. */
export function provideDatabase(url: string): void {
  process.env['DATABASE_URL'] = url;
}

/** The folder in which tests store the pictures of the documentation; undefined if they store none. */
export const screenshotFolder: string | undefined = process.env['PNS_SCREENSHOTS'];
/** How long Postgres is down in the tests of the history, in ms. `PNS_TEST_OUTAGE_MS=30000` is as long as a failover. */
export function outageMs(): number {
  return Number(process.env['PNS_TEST_OUTAGE_MS'] ?? 2000);
}
