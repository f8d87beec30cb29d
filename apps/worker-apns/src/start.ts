import type { INestApplicationContext } from '@nestjs/common';
import { startWorker } from '@pns/runtime';
import { workerApnsEnv } from './env';
import { WorkerApnsModule } from './worker-apns.module';

/** Starts a worker that delivers to Apple; without `healthPort` it listens nowhere. */
export function startApnsWorker(healthPort?: number): Promise<INestApplicationContext> {
  return startWorker('worker-apns', WorkerApnsModule.forRoot(workerApnsEnv()), healthPort);
}
