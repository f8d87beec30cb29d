import type { INestApplicationContext } from '@nestjs/common';
import { startWorker } from '@pns/runtime';
import { workerFcmEnv } from './env';
import { WorkerFcmModule } from './worker-fcm.module';

/** Starts a worker that delivers with FCM; without `healthPort` it listens nowhere. */
export function startFcmWorker(healthPort?: number): Promise<INestApplicationContext> {
  return startWorker('worker-fcm', WorkerFcmModule.forRoot(workerFcmEnv()), healthPort);
}
