import { readFileSync } from 'node:fs';

/** Linux counts the time of processes in hundredths of a second. */
const ticksPerSecond = 100;

/** The CPU time that a process has used so far, in microseconds; NaN if the system does not report it. */
export function cpuMicroseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain any characters. The fields after it are fixed (man 5 proc): utime and stime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
  } catch {
    return NaN;
  }
}

/**
 * Begins to count the CPU time of processes; the returned function computes the microseconds of each per item so far.
 */
export function cpuCosts(pids: Readonly<Record<string, number>>): (items: number) => Record<string, number> {
  const processes = Object.entries(pids).map(([name, pid]) => ({ name, pid, before: cpuMicroseconds(pid) }));
  return (items) =>
    Object.fromEntries(
      processes.map(({ name, pid, before }) => [`${name} µs each`, (cpuMicroseconds(pid) - before) / items]),
    );
}
