/** Tells what is started in this process which Postgres to make its databases in. */
export function provideDatabase(url: string): void {
  process.env['DATABASE_URL'] = url;
}

/** The name server that never answers, in a process that is attacked. */
export function silentNameServer(): string {
  return process.env['SILENT_NAME_SERVER'] ?? '';
}
