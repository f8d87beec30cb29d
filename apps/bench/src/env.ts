/** The address of the name server that never answers; empty except in a process under attack. */
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
