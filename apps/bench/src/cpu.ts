import { readFileSync } from 'node:fs';
import { isCountingInstructions } from './env';
import { instructionsOf } from './instructions';

/** Linux counts the time of processes in hundredths of a second. */
const ticksPerSecond = 100;

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

/**
 * The CPU time that a process and its children, such as those of Postgres, have used so far, in microseconds; NaN if the system does
 * not report it.
 */
function cpuMicroseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain any characters, so only the fields after it are read (man 5 proc). These four are the
    // utime and the stime of the process, and of its children that have ended.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    // A child that has just ended has NaN, which counts as 0. A little later, the fields of the parent include its time.
    const ofChildren = childrenOf(pid).map((child) => cpuMicroseconds(child) || 0);
    return (ticks / ticksPerSecond) * 1e6 + ofChildren.reduce((sum, each) => sum + each, 0);
  } catch {
    return NaN;
  }
}

/**
 * Begins to measure processes. The returned function computes the costs of each process per item so far: microseconds of CPU
 * time, or instructions if they are counted. Instructions are counted only in processes that run under Valgrind.
 */
export function cpuCosts(pids: Readonly<Record<string, number>>): (items: number) => Record<string, number> {
  const used = isCountingInstructions() ? instructionsOf : cpuMicroseconds;
  const processes = Object.entries(pids).map(([name, pid]) => ({ name, pid, before: used(pid) }));
  const measured = processes.filter(({ before }) => !Number.isNaN(before));
  return (items) => Object.fromEntries(measured.map(({ name, pid, before }) => [name, (used(pid) - before) / items]));
}
