import type { INestApplicationContext } from '@nestjs/common';
import { startSocketNode } from '@pns/sockets/worker';
import { workerWebsocketEnv } from './env';

/** Starts a node that holds sockets. It answers health checks on its own port, and on `healthPort` if that is given. */
export function startWebsocketWorker(healthPort?: number): Promise<INestApplicationContext> {
  return startSocketNode({ env: workerWebsocketEnv() }, healthPort);
}
