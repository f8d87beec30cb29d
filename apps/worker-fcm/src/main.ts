import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { workerFcmEnv } from './env';
import { startFcmWorker } from './start';

void runProcess('worker-fcm', async () => [await startFcmWorker(workerFcmEnv().PNS_HEALTH_PORT)]);
