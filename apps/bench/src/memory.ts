import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Node's arguments for a process that can collect its garbage on request. */
export const collectableArgs: readonly string[] = ['--expose-gc', '--require', join(__dirname, 'collectable.js')];

/** The interval between two readings of a process' memory, in ms, and the number of readings that are compared. */
const lookMs = 300;
const looks = 5;

/** The resident bytes of a process after garbage collection, once they are stable. The process needs `collectableArgs`. */
export async function settledBytes(pid: number): Promise<number> {
  for (let round = 0; ; round++) {
    process.kill(pid, 'SIGUSR2');
    const seen: number[] = [];
    while (seen.length < looks) {
      await setTimeout(lookMs);
      seen.push(residentBytes(pid));
    }
    const [least, most] = [Math.min(...seen), Math.max(...seen)];
    if (most - least < 0.005 * most || round === 10) return least;
  }
}

/** How many files this process may have open. */
export function mostOpenFiles(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []; // Node has raised the soft limit as far as the system allows
  return soft === undefined ? Infinity : Number(soft);
}

/** The resident bytes of a process. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}
