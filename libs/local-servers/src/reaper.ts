import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';

const script = join(__dirname, '..', 'scripts', 'reaper.mjs');
let reaper: ChildProcess | undefined;

/** Servers that the reaper stops, and folders that it removes, if this process ends without doing so. */
export const leftBehind = {
  watch: (pid: number): void => send({ watch: pid }),
  forget: (pid: number): void => send({ forget: pid }),
  removeAtEnd: (folder: string): void => send({ removeAtEnd: folder }),
  keep: (folder: string): void => send({ keep: folder }),
};

/**
 * Sends a command to the reaper, a small process in a separate session, so that neither Ctrl-C nor a closed terminal ends it. The
 * reaper notices the end of this process by the end of its input, which the operating system closes even after `kill -9`.
 */
function send(command: Record<string, number | string>): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${JSON.stringify(command)}\n`);
}

function startReaper(): ChildProcess {
  const child = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
  child.stdin.on('error', () => undefined);
  child.on('exit', () => (reaper = undefined));
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}

/** Ends the reaper. Call it when all servers are stopped. */
export async function endReaper(): Promise<void> {
  const child = reaper;
  if (!child || child.exitCode !== null) return;
  child.ref();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await ended;
}
