import type { INestApplicationContext } from '@nestjs/common';
import { runProcess, startWorker } from '@pns/runtime';
import type { TransportWorker } from './transport-worker';
import { workerEnv } from './worker-env';
import { WorkerModule } from './worker.module';

/** Runs a worker app as this process, until SIGTERM. */
export function runTransportWorker<Options>(worker: TransportWorker<Options>): Promise<void> {
  return runProcess(nameOf(worker), async () => [await startTransportWorker(worker, workerEnv().PNS_HEALTH_PORT)]);
}

/** Starts a worker app in this process; without `healthPort` it listens on no port. */
export function startTransportWorker<Options>(
  worker: TransportWorker<Options>,
  healthPort?: number,
): Promise<INestApplicationContext> {
  return startWorker(nameOf(worker), WorkerModule.forTransport(worker, workerEnv()), healthPort);
}

function nameOf({ transport }: Pick<TransportWorker<never>, 'transport'>): string {
  return `worker-${transport}`;
}
