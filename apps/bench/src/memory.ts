import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Lets a process collect its garbage when it is told to; to be given to Node before the program. */
export const collectableArgs: readonly string[] = ['--expose-gc', '--require', join(__dirname, 'collectable.js')];

/** Between two looks at a process' memory, in ms; and how many looks in a row have to show the same. */
const lookMs = 300;
const looks = 5;

/** The bytes of a process that are in memory, garbage taken out, once nothing moves any more. Needs `collectableArgs`. */
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

/** How many files a process may have open. */
export function mostOpenFiles(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []; // Node has raised it as far as the system allows
  return soft === undefined ? Infinity : Number(soft);
}

/** The bytes of a process that are in memory now. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}
