import type { System, SystemOptions } from '@pns/e2e';
import { Child } from './child';
import { end } from './profile';
import { startMeasured } from './servers';
import { sessionSecret } from './web-sockets';

/** Runs `work` with the apps that a benchmark of sockets needs. */
export async function withSocketNode<Answer>(
  { processes, env, ...options }: SystemOptions,
  work: (system: System) => Promise<Answer>,
): Promise<Answer> {
  const system = await startMeasured({
    ...options,
    processes: { api: 1, 'worker-websocket': 1, ...processes },
    env: { PNS_SESSION_SECRET: sessionSecret, ...env },
  });
  try {
    return await work(system);
  } finally {
    await end(system, [...system.all('api'), ...system.all('dispatcher'), ...system.all('worker-websocket')]);
  }
}

/** Runs `work` with a bare Socket.IO server and its URL. */
export async function withBareSocketIo<Answer>(
  work: (server: Child, url: string) => Promise<Answer>,
  nodeArgs: readonly string[] = [],
): Promise<Answer> {
  const server = Child.start('baselines/socket-io', nodeArgs);
  try {
    const { url } = await server.ask<{ url: string }>({ listen: true });
    return await work(server, url);
  } finally {
    await server.stop();
  }
}
