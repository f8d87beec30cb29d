import { createBullBoard } from '@bull-board/api';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { aggregationQueue, deliveryQueue, Queues } from '@pns/queue';
import { isRegistered, transportNames } from '@pns/transport-contract';
import { BoardServer } from './board-server';
import { ShownQueue } from './shown-queue';

const boardPath = '/queues';

/** The interval in which the page requests new counts, in seconds. Each request counts the jobs of all queues. */
const pollingSeconds = 10;

/**
 * Serves Bull Board at `/queues` with the queues of all shards. The queues of socket nodes are left out, because each process of
 * the Web Socket worker has its own queue, which exists only as long as the process.
 */
export function serveQueueBoard(app: NestFastifyApplication): void {
  const queues = app.get<Queues>(Queues, { strict: false });
  const names = [aggregationQueue, ...transportNames.filter(isRegistered).map(deliveryQueue)];
  const shards = Array.from({ length: queues.keys.shards }, (_, shard) => shard);
  const shown = shards.flatMap((shard) =>
    names.map((name) => new ShownQueue(queues.queue(queues.keys.group(shard), name), shard)),
  );
  const serverAdapter = new BoardServer();
  const uiConfig = {
    boardTitle: 'PNS queues',
    showWorkers: false,
    pollingInterval: { showSetting: true, forceInterval: pollingSeconds },
  };
  createBullBoard({ queues: shown, serverAdapter, options: { uiConfig } });
  serverAdapter.install(app.getHttpAdapter().getInstance(), boardPath);
}
