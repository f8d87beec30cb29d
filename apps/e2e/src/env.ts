/** Tells what is started in this process which Postgres to make its databases in. */
export function provideDatabase(url: string): void {
  process.env['DATABASE_URL'] = url;
}
