import type { INestApplicationContext } from '@nestjs/common';
import { startWorker } from '@pns/runtime/app';
import { DispatcherModule } from './dispatcher.module';
import { dispatcherEnv } from './env';

/** Starts a dispatcher; without `healthPort` it listens on no port. */
export function startDispatcher(healthPort?: number): Promise<INestApplicationContext> {
  return startWorker('dispatcher', DispatcherModule.forRoot(dispatcherEnv()), healthPort);
}
