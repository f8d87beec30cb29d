import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from '@pns/local-servers/waiting';
import { freeze } from './signals';

/** The state of a process as Linux shows it: `T` is stopped. */
function stateOf(pid: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[0];
}

it('stops a process and its children, and continues them', async () => {
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pids = [parent.pid, Number(line.toString())] as [number, number];
  const goOn = freeze(pids[0]);
  await eventually('both are stopped', () => pids.every((pid) => stateOf(pid) === 'T'));
  goOn();
  await eventually('both go on', () => pids.every((pid) => stateOf(pid) !== 'T'));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await once(parent, 'exit');
});
