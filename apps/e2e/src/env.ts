/** Sets the Postgres in which this process creates its databases. */
export function provideDatabase(url: string): void {
  process.env['DATABASE_URL'] = url;
}
