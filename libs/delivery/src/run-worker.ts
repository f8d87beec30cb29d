import type { INestApplicationContext } from '@nestjs/common';
import { runForkedProcess, runProcess, startWorker } from '@pns/runtime/app';
import { IsolatedSender } from './isolated-sender';
import { isolatedArgument } from './isolated-transport';
import type { TransportWorker } from './transport-worker';
import { workerEnv } from './worker-env';
import { WorkerModule } from './worker.module';

/** Runs a worker app in this process until SIGTERM; as the isolated process of another worker, until that worker ends. */
export function runTransportWorker<Options>(worker: TransportWorker<Options>): Promise<void> {
  if (process.argv[2] === isolatedArgument) return runForkedProcess(nameOf(worker), () => startIsolated(worker));
  return runProcess(nameOf(worker), async () => [await startTransportWorker(worker, workerEnv().PNS_HEALTH_PORT)]);
}

/** Starts a worker app in this process; without `healthPort` it listens on no port. */
export function startTransportWorker<Options>(
  worker: TransportWorker<Options>,
  healthPort?: number,
): Promise<INestApplicationContext> {
  return startWorker(nameOf(worker), WorkerModule.forTransport(worker, workerEnv()), healthPort);
}

async function startIsolated<Options>(worker: TransportWorker<Options>): Promise<void> {
  const app = await startWorker(nameOf(worker), WorkerModule.isolated(worker, workerEnv()), undefined);
  app.get(IsolatedSender).serve();
}

function nameOf({ transport }: Pick<TransportWorker<never>, 'transport'>): string {
  return `worker-${transport}`;
}
