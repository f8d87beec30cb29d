import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { workerApnsEnv } from './env';
import { startApnsWorker } from './start';

void runProcess('worker-apns', async () => [await startApnsWorker(workerApnsEnv().PNS_HEALTH_PORT)]);
