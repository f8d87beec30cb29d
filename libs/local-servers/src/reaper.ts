import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';

const script = join(__dirname, '..', 'scripts', 'reaper.mjs');
let reaper: ChildProcess | undefined;

/** The processes and folders that the reaper stops and removes if this process ends without doing so. */
export const leftBehind = {
  watch: (pid: number): void => tell({ watch: pid }),
  forget: (pid: number): void => tell({ forget: pid }),
  removeAtEnd: (folder: string): void => tell({ removeAtEnd: folder }),
  keep: (folder: string): void => tell({ keep: folder }),
};

/**
 * A small process in its own session, so that neither Ctrl-C nor a closed terminal reaches it. It detects the end of
 * this process by the end of its input, which the operating system closes even after `kill -9`.
 */
function tell(wish: Record<string, number | string>): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${JSON.stringify(wish)}\n`);
}

function startReaper(): ChildProcess {
  const child = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
  child.stdin.on('error', () => undefined);
  child.on('exit', () => (reaper = undefined));
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}

/** Ends the reaper; call it when all servers have ended. */
export async function endReaper(): Promise<void> {
  const child = reaper;
  if (!child || child.exitCode !== null) return;
  child.ref();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await ended;
}
