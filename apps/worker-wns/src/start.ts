import type { INestApplicationContext } from '@nestjs/common';
import { startWorker } from '@pns/runtime';
import { workerWnsEnv } from './env';
import { WorkerWnsModule } from './worker-wns.module';

/** Starts a worker that delivers to Windows devices; without `healthPort` it listens nowhere. */
export function startWnsWorker(healthPort?: number): Promise<INestApplicationContext> {
  return startWorker('worker-wns', WorkerWnsModule.forRoot(workerWnsEnv()), healthPort);
}
