// `npm start`: makes everything ready, then becomes PNS. It is one process from here on, so that a signal sent to it needs
// nobody to pass it on.
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

/** Ends here, before the build, when the ports, the variables or another PNS stand in the way; the check has said which. */
async function checkStart() {
  if (!(await runSource(join('apps', 'standalone', 'src', 'before-build.ts')))) process.exit(1);
}

/** A `kill -9` of npm reaches neither us nor the shell between us and npm; without it nobody knows that we still run. */
function stopTogetherWithNpm() {
  const atStart = ancestors();
  setInterval(() => ancestors() !== atStart && process.kill(process.pid, 'SIGTERM'), 500).unref();
}

/** The process that started us and, where the system shows it as a file, the one that started that one. */
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}
