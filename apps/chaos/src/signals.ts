import { readdirSync, readFileSync } from 'node:fs';

/** Stops a process and its children with SIGSTOP; returns a function that continues them. */
export function freeze(pid: number): () => void {
  const stopped = [pid, ...childrenOf(pid)];
  for (const each of stopped) signal(each, 'SIGSTOP');
  return () => stopped.forEach((each) => signal(each, 'SIGCONT'));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // the process has ended
  }
}

/**
 * Returns the children of a process; none on systems other than Linux. Postgres needs this, because the processes that serve its
 * connections are children of its first process.
 */
function childrenOf(pid: number): number[] {
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.map(Number).filter((each) => parentOf(each) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
