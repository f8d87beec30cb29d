/** The name server that never answers, in a process that is attacked. */
export function silentNameServer(): string {
  return process.env['SILENT_NAME_SERVER'] ?? '';
}

const counting = 'PNS_BENCH_INSTRUCTIONS';

/** Makes this process and the programs that it starts count instructions instead of CPU time. */
export function countInstructions(): void {
  process.env[counting] = 'yes';
}

/** Whether instructions are counted instead of CPU time. */
export function isCountingInstructions(): boolean {
  return process.env[counting] === 'yes';
}
