/** The name server that never answers, in a process that is attacked. */
export function silentNameServer(): string {
  return process.env['SILENT_NAME_SERVER'] ?? '';
}
