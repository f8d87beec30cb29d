import type { INestApplicationContext } from '@nestjs/common';
import { startWorker } from '@pns/runtime';
import { workerWebhookEnv } from './env';
import { WorkerWebhookModule } from './worker-webhook.module';

/** Starts a worker that delivers to webhooks; without `healthPort` it listens nowhere. */
export function startWebhookWorker(healthPort?: number): Promise<INestApplicationContext> {
  return startWorker('worker-webhook', WorkerWebhookModule.forRoot(workerWebhookEnv()), healthPort);
}
