// When its parent process has ended, stops the servers that the parent left running, and exits. Reads one JSON command per line
// from standard input: {"watch":pid}, {"forget":pid}, {"removeAtEnd":folder}, {"keep":folder}. The end of the input means
// that the parent has ended, also after kill -9.
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const graceMs = 10_000;
const servers = new Set();
const folders = new Set();

const commands = {
  watch: (pid) => servers.add(pid),
  forget: (pid) => servers.delete(pid),
  removeAtEnd: (folder) => folders.add(folder),
  keep: (folder) => folders.delete(folder),
};

function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // In a container without an init, a dead orphan keeps its process id, so a zombie (Z) does not count as running.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // The process has already ended.
  }
}

async function stop(pid) {
  signal(pid, 'SIGINT');
  for (const endsAt = Date.now() + graceMs; isRunning(pid) && Date.now() < endsAt;) await sleep(20);
  if (isRunning(pid)) signal(pid, 'SIGKILL');
}

// Only the end of the input ends this process.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  for (const [command, argument] of Object.entries(JSON.parse(line))) commands[command]?.(argument);
}
await Promise.all([...servers].map(stop));
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
