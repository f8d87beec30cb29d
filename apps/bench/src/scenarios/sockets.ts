import { collectableArgs, mostOpenFiles, settledBytes } from '../memory';
import type { Measured, Scenario, Size } from '../scenario';
import { withBareSocketIo, withSocketNode } from '../socket-node';
import { WebSockets } from '../web-sockets';

/** Files that a process has open in addition to its sockets. */
const otherFiles = 200;

/** The number of sockets. It is smaller if a process may open fewer files. The details contain it. */
const socketsOf = (size: Size): number => Math.min(size === 'full' ? 10_000 : 4000, mostOpenFiles() - otherFiles);

const ours = (size: Size): Promise<Measured> =>
  withSocketNode({ nodeArgs: collectableArgs }, (system) => {
    const worker = system.app('worker-websocket');
    return measured(size, worker.url, worker.child.pid ?? 0);
  });

const baseline = (size: Size): Promise<Measured> =>
  withBareSocketIo((server, url) => measured(size, url, server.pid), collectableArgs);

async function measured(size: Size, url: string, pid: number): Promise<Measured> {
  const count = socketsOf(size);
  // The first sockets also need memory for compiled code and tables. Further sockets do not, so it is not measured.
  const first = await WebSockets.open(url, count / 20);
  await first.close();
  const before = await settledBytes(pid);
  const sockets = await WebSockets.open(url, count);
  try {
    const after = await settledBytes(pid);
    return { value: (after - before) / count, lost: 0, duplicated: 0, details: { sockets: count } };
  } finally {
    await sockets.close();
  }
}

/** The memory of an idle open socket. It is measured once, because it does not depend on time. */
export const sockets: Scenario = {
  name: 'sockets',
  unit: 'bytes/socket',
  ours,
  baseline,
  goals: [{ atMost: 1.05 }, { atMost: 22_000, isAbsolute: true }],
  rounds: 1,
};
