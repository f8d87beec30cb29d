import { execFileSync } from 'node:child_process';
import { isCountingInstructions } from './env';
import { sum } from './scenario';

/** Counting begins at the first reading, because a process needs a minute to start while its instructions are counted. */
const valgrindArgs = ['--tool=callgrind', '--instr-atstart=no', '--callgrind-out-file=/dev/null', '-q'];

/** @throws Error with advice if Valgrind is not installed */
export function requireValgrind(): void {
  try {
    execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
  } catch (cause) {
    throw new Error('--instructions needs Valgrind; install it, for example with: apt-get install valgrind', { cause });
  }
}

/** The command that runs Node in a measured process: under Valgrind if instructions are counted. */
export function measuredNode(nodeArgs: readonly string[]): { readonly file: string; readonly args: readonly string[] } {
  const args = ['--no-memory-reducer', ...nodeArgs]; // as our apps set it
  if (!isCountingInstructions()) return { file: process.execPath, args };
  return { file: 'valgrind', args: [...valgrindArgs, process.execPath, ...args] };
}

/** The instructions that a process has executed since the first reading; NaN if it does not run under Valgrind. */
export function instructionsOf(pid: number): number {
  callgrind('-i', 'on', pid);
  const threads = [...callgrind('-e', pid).matchAll(/^ *Th \d+ +([\d,]+)/gm)];
  return threads.length === 0 ? NaN : sum(threads.map(([, count = '']) => Number(count.replaceAll(',', ''))));
}

function callgrind(...args: readonly (string | number)[]): string {
  // For a process that does not run under Valgrind, the program warns on stderr and its exit code is not 0.
  try {
    return execFileSync('callgrind_control', args.map(String), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
