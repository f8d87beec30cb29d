// `npm start`: prepares the clone, then runs PNS in this process, so that signals need no forwarding.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers';
import { pathToFileURL } from 'node:url';
import { giveUp, prepare, root, runSource } from './prepare.mjs';

try {
  process.chdir(root);
  await prepare(checkStart);
  if (process.env.npm_lifecycle_event) stopTogetherWithNpm();
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(join(root, 'apps', 'standalone', 'dist', 'main.js')).href);
} catch (error) {
  giveUp(error);
}

/**
 * Exits before the build if the ports, the variables or another PNS prevent the start; the check has printed the reason.
 */
async function checkStart() {
  if (!(await runSource(join('apps', 'standalone', 'src', 'before-build.ts')))) process.exit(1);
}

/**
 * Stops this process when npm was killed, because a `kill -9` of npm reaches neither this process nor the shell between npm and
 * this process.
 */
function stopTogetherWithNpm() {
  const atStart = ancestors();
  setInterval(() => ancestors() !== atStart && process.kill(process.pid, 'SIGTERM'), 500).unref();
}

/** The parent of this process and, if the system shows it as a file, the parent's parent. */
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}
