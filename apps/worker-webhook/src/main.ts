import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { workerWebhookEnv } from './env';
import { startWebhookWorker } from './start';

void runProcess('worker-webhook', async () => [await startWebhookWorker(workerWebhookEnv().PNS_HEALTH_PORT)]);
