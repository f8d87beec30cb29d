/** Sets the Postgres in which this process creates its databases. */
export function provideDatabase(url: string): void {
  process.env['DATABASE_URL'] = url;
}

/** The folder in which tests store the pictures of the documentation; undefined if they store none. */
export const screenshotFolder: string | undefined = process.env['PNS_SCREENSHOTS'];
